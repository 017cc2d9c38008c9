"""What members are worth, tier by tier: revenue, average order, revenue for each member, visits and parts taken in
a month, beside the month before.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime

from sqlalchemy.orm import Session

from domain.calendar import Month
from domain.errors import NotFound
from domain.metrics._shape import first_paragraph
from domain.reports.told._months import last_months, month_choice
from domain.reports.told._shape import Asked, Bars, Cell, Choice, Document, Listed, Page, Table, Teller, Told
from domain.reports.told.rates import period_of
from domain.reports.value import NOBODY_KNOWN, Worth, people_of, worth
from domain.wording import mark
from models.people_set import read_set

WHAT = {
    "members": mark("Members"),
    "buyers": mark("Bought"),
    "bought_again": mark("Bought on two days or more"),
    "visitors": mark("Visited"),
    "took_part": mark("Took part in a campaign"),
}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return [month_choice(session, given.get("month"), say, now)]


def count(session: Session, asked: Asked, now: datetime) -> Document:
    month = Month.parse(asked["month"])
    return {
        side: {tier: asdict(each) for tier, each in worth(session, period_of(session, str(which), now)).items()}
        for side, which in (("now", month), ("before", month.plus(-1)))
    }


def together(tiers: Mapping[str, Mapping[str, int]]) -> Worth:
    """All tiers added up, and orders nobody is known for."""
    return Worth(**{each.name: sum(tier[each.name] for tier in tiers.values()) for each in fields(Worth)})


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    found, before = together(document["now"]), together(document["before"])
    month, earlier = say.month(asked["month"]), say.month(str(Month.parse(asked["month"]).plus(-1)))
    if not found.orders:
        return Told(say("Nothing was bought in %(month)s.", month=month), has_data=False)
    answer = say(
        "%(revenue)s in %(month)s from %(orders)s orders: %(average)s an order, %(member)s for each member.",
        revenue=say.money(found.revenue), month=month, orders=f"{found.orders:,}", average=_average(found, say),
        member=_per_member(found, say),
    )  # fmt: skip
    more = [_against(before, earlier, say)] if before.orders else []
    tiers = {key: Worth(**each) for key, each in document["now"].items()}
    bars = [
        (_named(key, say), float(each.revenue), say.money(each.revenue)) for key, each in tiers.items() if each.revenue
    ]
    rows = [_row(key, each, found, say) for key, each in tiers.items() if key != NOBODY_KNOWN or each.orders]
    rows.append(_row("", found, found, say))
    columns = (
        say("Tier"), say("Members"), say("Bought"), say("Two days or more"), say("Orders"), say("Revenue"),
        say("An order"), say("For each member"), say("Visited"), say("Took part"),
    )  # fmt: skip
    table = Table(say("By tier at the month's end"), columns, rows)
    return Told(answer, more=more, chart=Bars(say("Revenue by tier"), bars), tables=[table])


def _against(before: Worth, earlier: str, say: Teller) -> str:
    return say(
        "In %(month)s it was %(revenue)s: %(average)s an order, %(member)s for each member.", month=earlier,
        revenue=say.money(before.revenue), average=_average(before, say), member=_per_member(before, say),
    )  # fmt: skip


def _average(each: Worth, say: Teller) -> str:
    return say.money(each.revenue / each.orders) if each.orders else "–"


def _per_member(each: Worth, say: Teller) -> str:
    return say.money(each.revenue / each.members) if each.members else "–"


def _named(key: str, say: Teller) -> str:
    return say("Together") if not key else say("Not a member") if key == NOBODY_KNOWN else say.names.of("tier", key)


def _row(key: str, each: Worth, whole: Worth, say: Teller) -> list[Cell]:
    def people(what: str) -> Cell:
        n = int(getattr(each, what))
        return Cell(f"{n:,}", people=f"{key}:{what}" if n and key != NOBODY_KNOWN else "")

    return [
        Cell(_named(key, say)), people("members"), people("buyers"), people("bought_again"), Cell(f"{each.orders:,}"),
        Cell(say.money(each.revenue), note=say.whole(each.revenue, whole.revenue) if key else ""),
        Cell(_average(each, say)), Cell(_per_member(each, say)), people("visitors"), people("took_part"),
    ]  # fmt: skip


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    tier, _, what = name.partition(":")
    if what not in WHAT:
        raise NotFound(mark("There is no such list. Open it from the report."))
    ids = people_of(period_of(session, asked["month"], now), tier, what)
    return Listed(read_set(session, ids), f"{_named(tier, say)}: {say(WHAT[what])}, {say.month(asked['month'])}")


def nightly(session: Session, now: datetime) -> list[dict[str, str]]:
    return [{"month": month} for month in last_months(session, now)]


PAGE = Page(
    key="value",
    place=20,
    group="worth",
    title=mark("What each tier brings"),
    about=first_paragraph(__doc__),
    rests_on=mark("orders less refunds, the tier ledger at the month's end, visits and parts taken"),
    trust=mark(
        "Higher tiers spend more because spending made them so: that is no proof of what a tier does. Orders of "
        "people nobody knows stand apart; raise the recognition rate to see them."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
    nightly=nightly,
)
