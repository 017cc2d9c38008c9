"""From a metric's rows: its figure with all parts, and the people on either side of any of them."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, Subquery, and_, func, literal, select
from sqlalchemy.orm import Session

from domain.metrics import campaign_capture
from domain.metrics._shape import Figure, Metric, Period, Rows, mature
from models.arithmetic import list_holds
from models.campaign import Campaign
from models.packing import People, layers_of
from models.people_set import grouped_ids
from models.programme import Segment

SIDES = ("of", "who")
Counts = Counter[str]
# Which figure: ("", "") the metric's own, (part, "") a part of it, (part, word) a cut of that part.
Place = tuple[str, str]
TOP: Place = ("", "")
# Part, words of the split, flags, people: rows that count as the same.
Alike = tuple[str, list[str] | None, tuple[int, ...], "array[int]"]


@dataclass(frozen=True)
class Taken:
    """A figure together with the ids of its people, read from the same rows at the same moment.

    Who is counted several times is in several layers (models/packing.py).
    """

    figure: Figure
    people: dict[tuple[Place, str], list[People]]


def measure(session: Session, metric: Metric, period: Period) -> Figure:
    """The figure of a month, as of the period's `as_of`, with its parts."""
    counted: dict[Place, Counts] = defaultdict(Counter)
    rows = metric.rows(period).subquery("rows")
    keys = [rows.c.part, *_split(metric, rows)]
    each = rows.c.weight if metric.unit == "money" else literal(1)
    sums = [
        func.sum(each * (1 - rows.c.pending)).label("of"),
        func.sum(each * rows.c.hit * (1 - rows.c.pending)).label("who"),
        func.sum(each * rows.c.pending).label("pending"),
        *(func.sum(each * rows.c[aside]).label(aside) for aside in metric.asides),
    ]
    names = _names(metric)
    for row in session.execute(select(*keys, *sums).group_by(*keys)):
        amounts = Counter({name: int(getattr(row, name)) for name in names})
        for place in _places(metric, row[0], row[1] if metric.split else None):
            counted[place] += amounts
    return _finish(session, metric, period, counted)


def take(session: Session, metric: Metric, period: Period) -> Taken:
    """What `measure` gives, with everyone behind it: for closing a month, and for its drafts."""
    counted: dict[Place, Counts] = defaultdict(Counter)
    gathered: dict[tuple[Place, str], array[int]] = defaultdict(lambda: array("I"))
    for part, words, flags, ids in _alike(session, metric, period):
        amounts = Counter({name: flag * len(ids) for name, flag in zip(_names(metric), flags, strict=True)})
        for place in _places(metric, part, words):
            counted[place] += amounts
            for side, counts in zip(SIDES, flags, strict=False):
                if counts:
                    gathered[place, side].extend(ids)
    # One list at a time: the bare ids go as their set comes.
    people = {key: layers_of(gathered.pop(key)) for key in list(gathered)}
    return Taken(_finish(session, metric, period, counted), people)


def _alike(session: Session, metric: Metric, period: Period) -> Iterator[Alike]:
    """The rows of a metric by what they count as: part, words of the split, flags, and the people they are of."""
    rows = metric.rows(period).subquery("rows")
    flags = (1 - rows.c.pending, rows.c.hit * (1 - rows.c.pending), rows.c.pending)
    columns = (*flags, *(rows.c[aside] for aside in metric.asides))
    kinds = [rows.c.part, *_split(metric, rows), *(each.label(f"flag{n}") for n, each in enumerate(columns))]
    named = select(rows.c.member_id, *kinds).subquery("alike")
    for *kind, ids in grouped_ids(session, list(named.c)[1:], named.c.member_id):
        words = kind.pop(1) if metric.split else None
        yield kind[0], words, tuple(int(each) for each in kind[1:]), ids


def people(metric: Metric, period: Period, *, place: Place, side: str) -> Rows:
    """(member_id, times) of everyone the figure counts on `side`, by the very rows it is counted from."""
    rows = metric.rows(period).subquery("rows")
    part, word = place
    chosen: list[ColumnElement[bool]] = [mature(rows), rows.c.member_id.is_not(None)]
    if part or metric.whole:
        chosen.append(rows.c.part == (part or metric.whole))
    if word and metric.split:
        chosen.append(list_holds(rows.c[metric.split], word))
    if side == "who":
        chosen.append(rows.c.hit == 1)
    return select(rows.c.member_id, func.count().label("times")).where(and_(*chosen)).group_by(rows.c.member_id)


def _split(metric: Metric, rows: Subquery) -> list[ColumnElement[list[str]]]:
    return [rows.c[metric.split]] if metric.split else []


def _names(metric: Metric) -> tuple[str, ...]:
    return ("of", "who", "pending", *metric.asides)


def _places(metric: Metric, part: str, words: Iterable[str] | None) -> list[Place]:
    """Every figure a row counts in. A person with two tags counts in both segments, once in the message."""
    if part == metric.whole:
        return [TOP]
    places = [(part, word) for word in ("", *dict.fromkeys(words or ()))] if part else []
    return places if metric.whole is not None else [TOP, *places]


def _finish(session: Session, metric: Metric, period: Period, counted: dict[Place, Counts]) -> Figure:
    if metric.key == "campaign_capture":
        for part, heads in session.execute(campaign_capture.anonymous_heads(period)):
            counted[part, ""]["anonymous"] += int(heads)
            counted[TOP]["anonymous"] += int(heads)
    return _named(session, metric, _tree(metric, counted))


def _tree(metric: Metric, counted: dict[Place, Counts]) -> Figure:
    parts = {part: _one(metric, Counter()) for part in metric.parts or ()}
    for part, word in sorted(counted):
        figure = _one(metric, counted[part, word])
        if word:
            parts[part].parts[word] = figure
        elif part:
            parts[part] = figure
    return replace(_one(metric, counted.get(TOP, Counter())), parts=parts)


def _one(metric: Metric, counted: Counts) -> Figure:
    names = ("pending", *metric.asides, *(("anonymous",) if "anonymous" in counted else ()))
    return Figure(counted["who"], counted["of"], {name: counted[name] for name in names})


def _named(session: Session, metric: Metric, figure: Figure) -> Figure:
    """Campaigns and segments under the names people know them by."""
    if metric.key not in {"segment_engagement", "campaign_capture"} or not figure.parts:
        return figure
    names = _pairs(session, select(Campaign.ref, Campaign.name))
    words = _pairs(session, select(Segment.key, Segment.name)) if metric.split else {}
    parts = {
        ref: replace(
            part,
            name=names.get(ref, ref),
            parts={word: replace(cut, name=words.get(word, word)) for word, cut in part.parts.items()},
        )
        for ref, part in figure.parts.items()
    }
    return replace(figure, parts=parts)


def _pairs(session: Session, query: Select[str, str]) -> dict[str, str]:
    return {row[0]: row[1] for row in session.execute(query)}
