"""Is a paid membership worth trying? Three signs, each as a count and a list: who buys very often, who keeps taking
part, and who asks for more (a VIP level, an annual fee).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import NotFound
from domain.metrics._people import is_member
from domain.metrics._shape import Rows, first_paragraph
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
from models.packing import People
from models.people_set import read_set
from models.score import MemberScore
from models.staff import StaffNote

OFTEN_DAYS = 8  # the highest frequency score
PARTS = 3
DAYS = 365
ASKED = (
    "vip", "年費", "會費", "付費會員", "尊榮", "annual fee", "membership fee", "paid member", "年会費", "有料会員",
    "ค่าสมาชิก", "สมาชิกรายปี",
)  # fmt: skip
SIGNS = {
    "often": mark("Buy very often"),
    "parts": mark("Keep taking part"),
    "asks": mark("Ask for more"),
}
MEANING = {
    "often": mark("at least 8 purchase days in 365 days"),
    "parts": mark("took part in campaigns on at least 3 occasions in 365 days"),
    "asks": mark("wrote of a VIP level, an annual fee or a paid membership in 365 days"),
}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return no_choices(session, given, say, now)


def signs(session: Session, now: datetime) -> dict[str, People]:
    """Who shows each sign."""
    among = select(Member.id).where(is_member(now))
    rows: dict[str, Rows] = {"often": _often(), "parts": _taking_part(session, now), "asks": _asking(now)}
    found = {}
    for sign, ids in rows.items():
        each = ids.subquery(sign)
        found[sign] = read_set(session, among.where(Member.id.in_(select(each.c[0]))))
    return found


def _often() -> Rows:
    return select(MemberScore.member_id).where(MemberScore.days_365 >= OFTEN_DAYS)


def _taking_part(session: Session, now: datetime) -> Rows:
    since = calendar_of(session).day_of(now) - timedelta(days=DAYS)
    return (
        select(Event.member_id)
        .where(Event.kind == "participated", Event.day > since, Event.member_id.is_not(None))
        .group_by(Event.member_id)
        .having(func.count() >= PARTS)
    )


def _asking(now: datetime) -> Rows:
    said = or_(*(func.lower(StaffNote.text).contains(words, autoescape=True) for words in ASKED))
    recent = StaffNote.created_at > now - timedelta(days=DAYS)
    return select(StaffNote.member_id).where(StaffNote.kind.in_(("chat", "note")), recent, said)


def _all_three(found: Mapping[str, People]) -> People:
    return found["often"] & found["parts"] & found["asks"]


def count(session: Session, asked: Asked, now: datetime) -> Document:
    found = signs(session, now)
    members = session.scalar(select(func.count()).select_from(Member).where(is_member(now))) or 0
    counted = {sign: len(ids) for sign, ids in found.items()}
    two = len(_at_least_two(found))
    return {"signs": counted, "two": two, "three": len(_all_three(found)), "members": members}


def _at_least_two(found: Mapping[str, People]) -> People:
    often, parts, asks = (found[sign] for sign in SIGNS)
    return (often & parts) | (often & asks) | (parts & asks)


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    counted, members = document["signs"], document["members"]
    seen = sum(1 for n in counted.values() if n)
    answer = say.many(
        "%(n)s of the three signs is there.", "%(n)s of the three signs are there.", seen
    ) + " " + say.many(
        "%(n)s person shows at least two.", "%(n)s people show at least two.", document["two"]
    )  # fmt: skip
    rows = [
        [Cell(say(SIGNS[sign])), Cell(f"{counted[sign]:,}", people=sign if counted[sign] else "",
                                      note=say.whole(counted[sign], members)), Cell(say(MEANING[sign]))]
        for sign in SIGNS
    ]  # fmt: skip
    for key, words in (("two", say("At least two of them")), ("three", say("All three"))):
        n = document[key]
        rows.append([Cell(words), Cell(f"{n:,}", people=key if n else ""), Cell("")])
    columns = (say("Sign"), say("People"), say("Meaning"))
    bars = [(say(SIGNS[sign]), float(counted[sign]), f"{counted[sign]:,}") for sign in SIGNS]
    return Told(answer, chart=Bars(say("People who show each sign"), bars),
                tables=[Table(say("The signs"), columns, rows, numbers=False)])  # fmt: skip


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    found = signs(session, now)
    words = {**SIGNS, "two": mark("At least two of the signs"), "three": mark("All three signs")}
    if name not in words:
        raise NotFound(mark("There is no such list. Open it from the report."))
    people = found.get(name) or (_at_least_two(found) if name == "two" else _all_three(found))
    return Listed(people, say(words[name]))


PAGE = Page(
    key="readiness",
    place=24,
    group="worth",
    title=mark("Ready for a paid membership?"),
    about=first_paragraph(__doc__),
    rests_on=mark("purchase days of a year, parts taken in campaigns, and what people wrote in the chat"),
    trust=mark(
        "Words are found, not understood: read what was written before counting on it. Few signs may only mean that "
        "nobody was asked."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
)
