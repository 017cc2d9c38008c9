"""Every rate of a month beside the month before: upper tiers, rises, silence, channels, carts, bundles, new
products, participation, coupons, recognition and what else is counted as a share.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.errors import NotFound
from domain.metrics import rates
from domain.metrics._counting import measure, people
from domain.metrics._shape import Figure, Metric, Period, first_paragraph
from domain.reports.judging import change
from domain.reports.review_words import asides, change_words, percent, points
from domain.reports.told._months import last_months, month_choice
from domain.reports.told._shape import Asked, Cell, Choice, Document, Listed, Page, Table, Teller, Told
from domain.wording import mark
from models.people_set import read_set
from models.programme import the_brand

PARTS = {
    "ever_bought": mark("of those who ever bought"),
    "only_online": mark("only online"),
    "only_in_store": mark("only in a store"),
    "online_to_store": mark("from online to a store"),
    "store_to_online": mark("from a store to online"),
}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return [month_choice(session, given.get("month"), say, now)]


def period_of(session: Session, month: str, now: datetime) -> Period:
    return Period(Month.parse(month), calendar_of(session), now, the_brand(session).shelf)


def count(session: Session, asked: Asked, now: datetime) -> Document:
    month = Month.parse(asked["month"])
    periods = {"now": period_of(session, str(month), now), "before": period_of(session, str(month.plus(-1)), now)}
    return {
        key: {side: measure(session, metric, period).plain() for side, period in periods.items()}
        for key, metric in rates().items()
    }


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    before = say.month(str(Month.parse(asked["month"]).plus(-1)))
    rows, sentences, moved = [], [], []
    for metric in _known(document):
        figure, earlier = (Figure.from_plain(document[metric.key][side]) for side in ("now", "before"))
        rows += _rows(metric, figure, earlier, before, say)
        if figure.of:
            sentences.append(_sentence(metric, figure, asked, say))
        compared = change(figure, earlier, exact=metric.exact)
        if compared and compared.trend in ("up", "down"):
            way = mark("%(what)s rose by %(points)s points.") if compared.trend == "up" else (
                mark("%(what)s fell by %(points)s points.")
            )  # fmt: skip
            moved.append(say(way, what=say(metric.title), points=points(abs(compared.value))))
    month = say.month(asked["month"])
    answer = (
        say("Against %(month)s: %(moves)s", month=before, moves=" ".join(moved))
        if moved
        else say("Nothing moved clearly from %(before)s to %(month)s.", before=before, month=month)
    )
    columns = (say("What"), say("Share"), say("Of whom"), say("Range"), say("Against %(month)s", month=before))
    return Told(
        answer, more=sentences[:3],
        tables=[Table(say("The rates of %(month)s", month=month), columns, rows),
                Table(say("What each means"), (say("What"), say("Meaning")), _meanings(document, say), numbers=False)],
    )  # fmt: skip


def _known(document: Document) -> Iterable[Metric]:
    return (metric for key, metric in rates().items() if key in document)


def _meanings(document: Document, say: Teller) -> list[list[Cell]]:
    return [
        [Cell(say(metric.title)), Cell(say(metric.definition), note=say(metric.trust) if metric.trust else "")]
        for metric in _known(document)
    ]


def _sentence(metric: Metric, figure: Figure, asked: Asked, say: Teller) -> str:
    base = say.month(str(Month.parse(asked["month"]).plus(-3)))
    who, of = _amount(metric, figure.who, say), _amount(metric, figure.of, say)
    return say(metric.sentence, who=who, of=of, base=base)


def _amount(metric: Metric, n: int, say: Teller) -> str:
    return say.money(n) if metric.unit == "money" else f"{n:,}"


def _rows(metric: Metric, figure: Figure, earlier: Figure, before: str, say: Teller) -> list[list[Cell]]:
    lines = [_row(metric, say(metric.title), "", figure, earlier, before, say)]
    for key, part in figure.parts.items():
        name = part.name or (say(PARTS[key]) if key in PARTS else key)
        lines.append(_row(metric, "· " + name, key, part, earlier.parts.get(key, Figure(0, 0)), before, say))
    return lines


def _row(metric: Metric, name: str, part: str, figure: Figure, earlier: Figure, before: str, say: Teller) -> list[Cell]:
    of_whom = say("no data") if not figure.of else say(
        "%(who)s of %(of)s", who=_amount(metric, figure.who, say), of=_amount(metric, figure.of, say)
    )  # fmt: skip
    share = say.whole(figure.who, figure.of) if metric.exact else say.share(figure.who, figure.of)
    moved = change(figure, earlier, exact=metric.exact)
    word = change_words(moved, before, say.language) if figure.of and earlier.of else ""
    return [
        Cell(name, note=" · ".join(_asides(metric, figure, say))),
        Cell(share or "–", people=f"{metric.key}|{part}|who" if figure.who else "",
             is_grey=not metric.exact and 10 <= figure.of < 30),
        Cell(of_whom, people=f"{metric.key}|{part}|of" if figure.of else ""),
        Cell("" if metric.exact else say.between(figure.who, figure.of)),
        Cell(word, note=percent(earlier.who / earlier.of) if word and earlier.of else "", is_words=True),
    ]  # fmt: skip


def _asides(metric: Metric, figure: Figure, say: Teller) -> list[str]:
    known = {name: n for name, n in figure.asides.items() if name == "pending"}
    return asides(Figure(figure.who, 0, known), say.language)


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    key, part, side = [*name.split("|"), "", ""][:3]
    metric = rates().get(key)
    if metric is None or side not in ("who", "of"):
        raise NotFound(mark("There is no such list. Open it from the report."))
    found = people(metric, period_of(session, asked["month"], now), place=(part, ""), side=side).subquery()
    called = f"{say(metric.title)}, {say.month(asked['month'])}" + (
        "" if side == "who" else say(": all who were counted")
    )
    return Listed(read_set(session, select(found.c.member_id)), called)


def nightly(session: Session, now: datetime) -> list[dict[str, str]]:
    return [{"month": month} for month in last_months(session, now)]


PAGE = Page(
    key="rates",
    place=40,
    group="rates",
    title=mark("Rates of the month"),
    about=first_paragraph(__doc__),
    rests_on=mark("purchases, the tier ledger, carts and clicks, and what the programme says of bundles and launches"),
    trust=mark(
        "A rate is compared with its own past, not with other brands. With fewer than ten people only the count is "
        "shown, with fewer than thirty the percentage is grey; “no clear change” means just that."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
    nightly=nightly,
)
