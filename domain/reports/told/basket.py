"""What is bought together, and so what to offer beside what: pairs in one order, only those that chance does not
explain, in both directions.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import NotFound
from domain.metrics._shape import first_paragraph
from domain.reports.basket import LEAST_BASKETS, LEAST_TOGETHER, LEVELS, Pair, baskets, bought_together
from domain.reports.told._shape import Asked, Bars, Cell, Choice, Document, Listed, Page, Table, Teller, Told, chosen
from domain.wording import mark
from models.people_set import read_set

SHOWN = 30
BETWEEN = "\x1f"
LEVEL_WORDS = {"product": mark("Products"), "category": mark("Categories")}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    options = [(level, say(LEVEL_WORDS[level])) for level in LEVELS]
    return [Choice("level", say("Pairs of"), options, chosen(options, given.get("level")))]


def count(session: Session, asked: Asked, now: datetime) -> Document:
    until = calendar_of(session).day_of(now) - timedelta(days=1)
    found = baskets(session, asked["level"], until=until)
    pairs = [[each.first, each.second, each.with_first, each.with_second, each.together] for each in found.pairs]
    return {"n": found.n, "pairs": pairs, "names": found.names, "until": until.isoformat()}


def read(document: Document) -> list[Pair]:
    """The kept pairs, strongest first: also for what to offer one person next."""
    n = document["n"]
    return [Pair(first, second, n, a, b, both) for first, second, a, b, both in document["pairs"]]


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    n, pairs, names = document["n"], read(document), document["names"]
    if n < LEAST_BASKETS:
        return Told(say(
            "Too few to tell: %(n)s orders of the last 365 days have goods on record, %(least)s are the least.",
            n=f"{n:,}", least=LEAST_BASKETS,
        ), has_data=False)  # fmt: skip
    if not pairs:
        return Told(say("Of %(n)s orders, no two things are bought together more than chance explains.", n=f"{n:,}"))
    best = pairs[0]
    answer = say(
        "Who buys %(first)s buys %(second)s with it in %(share)s of cases, %(lift)s times as often as others do.",
        first=names.get(best.first, best.first), second=names.get(best.second, best.second),
        share=say.whole(best.together, best.with_first), lift=f"{best.lift:.1f}",
    )  # fmt: skip
    more = [say.many("%(n)s pair stands out", "%(n)s pairs stand out", len(pairs)) + say(
        ", of %(n)s orders of the last 365 days.", n=f"{n:,}")]  # fmt: skip
    return Told(answer, more=more, chart=_chart(pairs[:8], names, say), tables=[_table(pairs[:SHOWN], names, say)])


def _chart(pairs: list[Pair], names: Mapping[str, str], say: Teller) -> Bars:
    bars = []
    for pair in pairs:
        label = f"{names.get(pair.first, pair.first)} → {names.get(pair.second, pair.second)}"
        bars.append((label, pair.lift, f"{pair.lift:.1f}×"))
    return Bars(say("How many times as often as by chance"), bars)


def _table(pairs: list[Pair], names: Mapping[str, str], say: Teller) -> Table:
    rows = []
    for pair in pairs:
        key = BETWEEN.join((pair.first, pair.second))
        rows.append([
            Cell(names.get(pair.first, pair.first), note=say("in %(n)s orders", n=f"{pair.with_first:,}")),
            Cell(names.get(pair.second, pair.second), note=say("in %(n)s orders", n=f"{pair.with_second:,}")),
            Cell(f"{pair.together:,}", note=say.whole(pair.together, pair.n)),
            Cell(say.whole(pair.together, pair.with_first), note=say("at least %(low)s", low=say.whole(
                round(pair.low * 1000), 1000))),
            Cell(f"{pair.lift:.1f}×"),
            Cell(say("both"), people=f"both{BETWEEN}{key}"),
            Cell(say("only the first"), people=f"only{BETWEEN}{key}"),
        ])  # fmt: skip
    columns = (say("Who buys"), say("also buys"), say("Orders with both"), say("Of the orders with the first"),
               say("Against chance"), say("Who bought"), say("Whom to offer it"))  # fmt: skip
    about = say(
        "Shown are pairs in at least %(least)s orders whose share, even at its lower end, is above how often the "
        "second is bought anyway.", least=LEAST_TOGETHER,
    )  # fmt: skip
    return Table(say("Pairs"), columns, rows, about=about)


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    which, _, rest = name.partition(BETWEEN)
    first, _, second = rest.partition(BETWEEN)
    if which not in ("both", "only") or not second:
        raise NotFound(mark("There is no such list. Open it from the report."))
    until = calendar_of(session).day_of(now) - timedelta(days=1)
    ids = bought_together(session, asked["level"], first, second, until=until, also=which == "both")
    words = mark("Bought %(first)s and %(second)s together") if which == "both" else mark(
        "Bought %(first)s, not %(second)s with it"
    )  # fmt: skip
    return Listed(read_set(session, ids), say(words, first=first, second=second))


def nightly(session: Session, now: datetime) -> list[dict[str, str]]:
    return [{"level": level} for level in LEVELS]


PAGE = Page(
    key="basket",
    place=32,
    group="effect",
    title=mark("Bought together"),
    about=first_paragraph(__doc__),
    rests_on=mark("the lines of all orders of the last 365 days, also of buyers nobody knows"),
    trust=mark(
        "Together does not mean because of: things on one shelf or in one offer go together too. Try it with a "
        "hold-out before building on it. People are those known; orders count also without."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
    nightly=nightly,
    how_long="long",
)
