"""From a metric's rows: its figure with all parts, and the people on either side of any of them."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from domain.metrics import campaign_capture
from domain.metrics._shape import Figure, Metric, Period, Rows, mature
from models.arithmetic import list_holds
from models.campaign import Campaign
from models.programme import Segment

SIDES = ("of", "who")
Counts = Counter[str]


def measure(session: Session, metric: Metric, period: Period) -> Figure:
    """The figure of a month, as of the period's `as_of`, with its parts."""
    parts: dict[str, Counts] = defaultdict(Counter)
    cuts: dict[str, dict[str, Counts]] = defaultdict(lambda: defaultdict(Counter))
    for part, words, counted in _counted(session, metric, period):
        parts[part] += counted
        for word in words:
            cuts[part][word] += counted
    if metric.key == "campaign_capture":
        _add_heads(session, period, parts)
    return _named(session, metric, _figure(metric, parts, cuts))


def people(metric: Metric, period: Period, *, part: str, word: str, side: str) -> Rows:
    """(member_id, times) of everyone the figure counts on `side`, by the very rows it is counted from."""
    rows = metric.rows(period).subquery("rows")
    chosen: list[ColumnElement[bool]] = [mature(rows)]
    if part or metric.whole:
        chosen.append(rows.c.part == (part or metric.whole))
    if word and metric.split:
        chosen.append(list_holds(rows.c[metric.split], word))
    if side == "who":
        chosen.append(rows.c.hit == 1)
    return select(rows.c.member_id, func.count().label("times")).where(and_(*chosen)).group_by(rows.c.member_id)


def everyone(session: Session, metric: Metric, period: Period) -> Iterator[tuple[str, str, int, int]]:
    """(part, word, member_id, hit) of every mature row, for packing when a month closes; word "" is the part itself."""
    rows = metric.rows(period).subquery("rows")
    columns = [rows.c.part, rows.c.member_id, rows.c.hit]
    columns += [rows.c[metric.split]] if metric.split else []
    for row in session.execute(select(*columns).where(mature(rows)), execution_options={"yield_per": 5000}):
        for word in ("", *(row[3] or [] if metric.split else [])):
            yield row[0], word, row[1], row[2]


def _counted(session: Session, metric: Metric, period: Period) -> Iterator[tuple[str, list[str], Counts]]:
    rows = metric.rows(period).subquery("rows")
    keys = [rows.c.part, *([rows.c[metric.split]] if metric.split else [])]
    sums = [
        func.sum(1 - rows.c.pending).label("of"),
        func.sum(rows.c.hit * (1 - rows.c.pending)).label("who"),
        func.sum(rows.c.pending).label("pending"),
        *(func.sum(rows.c[aside]).label(aside) for aside in metric.asides),
    ]
    for row in session.execute(select(*keys, *sums).group_by(*keys)):
        counted = Counter({name: int(getattr(row, name)) for name in ("of", "who", "pending", *metric.asides)})
        yield row[0], list(row[1] or []) if metric.split else [], counted


def _add_heads(session: Session, period: Period, parts: dict[str, Counts]) -> None:
    for part, heads in session.execute(campaign_capture.anonymous_heads(period)):
        parts[part]["anonymous"] += int(heads)


def _figure(metric: Metric, parts: dict[str, Counts], cuts: dict[str, dict[str, Counts]]) -> Figure:
    made = {
        part: replace(
            _one(metric, counted), parts={word: _one(metric, cuts[part][word]) for word in sorted(cuts[part])}
        )
        for part, counted in sorted(parts.items())
    }
    if metric.whole is not None:
        whole = made.pop(metric.whole, None) or _one(metric, Counter())
        return replace(whole, parts=made)
    total: Counts = sum(parts.values(), Counter())
    return replace(_one(metric, total), parts={part: each for part, each in made.items() if part})


def _one(metric: Metric, counted: Counts) -> Figure:
    names = ("pending", *metric.asides, *(("anonymous",) if "anonymous" in counted else ()))
    return Figure(counted["who"], counted["of"], {name: counted[name] for name in names})


def _named(session: Session, metric: Metric, figure: Figure) -> Figure:
    """Campaigns and segments under the names people know them by."""
    if metric.key not in {"segment_engagement", "campaign_capture"} or not figure.parts:
        return figure
    names = dict(session.execute(select(Campaign.ref, Campaign.name)).tuples().all())
    words = dict(session.execute(select(Segment.key, Segment.name)).tuples().all()) if metric.split else {}
    parts = {
        ref: replace(
            part,
            name=names.get(ref, ref),
            parts={word: replace(cut, name=words.get(word, word)) for word, cut in part.parts.items()},
        )
        for ref, part in figure.parts.items()
    }
    return replace(figure, parts=parts)
