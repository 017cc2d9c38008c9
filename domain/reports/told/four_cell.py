"""Who buys again and who answers: all members on two axes, bought on two days or more in a year, and acted on two
days or more in ninety, with what to do about each of the four.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import NotFound
from domain.events import OWN_ACTIONS
from domain.metrics._people import is_member
from domain.metrics._shape import Rows, first_paragraph, flag
from domain.reports.told._shape import (
    Asked,
    Bars,
    Cell,
    Choice,
    Document,
    Listed,
    Page,
    Table,
    Teller,
    Told,
    no_choices,
)
from domain.wording import mark
from models.event import Event
from models.member import Member
from models.people_set import read_set
from models.purchase import Purchase

BOUGHT_DAYS, BOUGHT_WITHIN = 2, 365
ACTED_DAYS, ACTED_WITHIN = 2, 90
# Conversions are left out: an order is one, and has an axis of its own.
ACTIONS = tuple(kind for kind in OWN_ACTIONS if not kind.startswith("conversion_"))
# bought again, acts: what they are called, what to do
CELLS = {
    "yes-yes": (mark("Buy again and answer"), mark("Ask them to bring a friend; let them in early.")),
    "yes-no": (mark("Buy again, do not answer"), mark("Write less; serve them in the store, and ask what they like.")),
    "no-yes": (mark("Answer, do not buy again"), mark("Give a reason to buy now: a first repeat offer with an end.")),
    "no-no": (mark("Neither"), mark("Let them rest; one win-back message, then none for a while.")),
}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return no_choices(session, given, say, now)


def standing(session: Session, now: datetime) -> Rows:
    """(member_id, again, acts) of every member: 1 or 0 on each axis."""
    today = calendar_of(session).day_of(now)
    bought = (
        select(Purchase.member_id, func.count(distinct(Purchase.day)).label("days"))
        .where(Purchase.net_amount > 0, Purchase.day > today - timedelta(days=BOUGHT_WITHIN), Purchase.day <= today)
        .where(Purchase.member_id.is_not(None), Purchase.recorded_at <= now)
        .group_by(Purchase.member_id)
        .subquery("bought")
    )
    acted = (
        select(Event.member_id, func.count(distinct(Event.day)).label("days"))
        .where(Event.kind.in_(ACTIONS), Event.day > today - timedelta(days=ACTED_WITHIN), Event.day <= today)
        .where(Event.member_id.is_not(None), Event.recorded_at <= now)
        .group_by(Event.member_id)
        .subquery("acted")
    )
    return (
        select(
            Member.id.label("member_id"),
            flag(func.coalesce(bought.c.days, 0) >= BOUGHT_DAYS).label("again"),
            flag(func.coalesce(acted.c.days, 0) >= ACTED_DAYS).label("acts"),
        )
        .outerjoin(bought, bought.c.member_id == Member.id)
        .outerjoin(acted, acted.c.member_id == Member.id)
        .where(is_member(now))
    )


def count(session: Session, asked: Asked, now: datetime) -> Document:
    rows = standing(session, now).subquery("standing")
    found = session.execute(select(rows.c.again, rows.c.acts, func.count()).group_by(rows.c.again, rows.c.acts))
    counted = {_key(again, acts): int(n) for again, acts, n in found}
    return {key: counted.get(key, 0) for key in CELLS}


def _key(again: int, acts: int) -> str:
    return f"{'yes' if again else 'no'}-{'yes' if acts else 'no'}"


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    total = sum(document.values())
    if not total:
        return Told(say("There are no members yet."), has_data=False)
    answer = say(
        "%(both)s of %(total)s members buy again and answer. %(quiet)s buy again without answering; %(talk)s answer "
        "without buying again.",
        both=f"{document['yes-yes']:,}", total=f"{total:,}", quiet=f"{document['yes-no']:,}",
        talk=f"{document['no-yes']:,}",
    )  # fmt: skip
    bars = [(say(CELLS[key][0]), document[key], f"{document[key]:,}") for key in CELLS]
    return Told(
        answer, chart=Bars(say("Members in the four cells"), bars), tables=[_map(document, total, say), _deeds(say)]
    )


def _map(document: Document, total: int, say: Teller) -> Table:
    def cell(key: str) -> Cell:
        n = document[key]
        return Cell(f"{n:,}", people=key if n else "", note=say.whole(n, total), shade=min(4, 1 + 4 * n // total))

    rows = [
        [Cell(say("Bought again")), cell("yes-yes"), cell("yes-no")],
        [Cell(say("Did not buy again")), cell("no-yes"), cell("no-no")],
    ]
    return Table(say("The four cells"), (say("Purchases"), say("Answers"), say("Does not answer")), rows)


def _deeds(say: Teller) -> Table:
    rows = [[Cell(say(called)), Cell(say(deed))] for called, deed in CELLS.values()]
    return Table(say("What to do"), (say("Who"), say("Try this")), rows, numbers=False)


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    if name not in CELLS:
        raise NotFound(mark("There is no such list. Open it from the report."))
    rows = standing(session, now).subquery("standing")
    again, acts = (int(each == "yes") for each in name.split("-"))
    ids = select(rows.c.member_id).where(rows.c.again == again, rows.c.acts == acts)
    return Listed(read_set(session, ids), say(CELLS[name][0]))


def nightly(session: Session, now: datetime) -> list[dict[str, str]]:
    return [{}]


PAGE = Page(
    key="four_cell",
    place=22,
    group="worth",
    title=mark("Buying and answering"),
    about=first_paragraph(__doc__),
    rests_on=mark("purchase days of the last 365 days and days with an action of one's own of the last 90"),
    trust=mark(
        "The edges are the same for everyone: where people buy once a year, few buy again. Who is not on LINE cannot "
        "answer, and is not quiet."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
    nightly=nightly,
)
