"""How often each segment is written to, whether it answers and buys again, and what its own pace asks for (M11)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, distinct, func, select
from sqlalchemy.orm import Session

from domain.calendar import Calendar, Month
from domain.metrics._people import counts
from domain.metrics._shape import Period, Rows
from domain.metrics.segment_engagement import answers
from domain.rules import RuleContext, compile_rule, context_of
from models.arithmetic import median
from models.campaign import Recipient
from models.member import Member
from models.programme import Segment
from models.purchase import Purchase
from models.score import MemberScore

LEAST_PACES = 30  # people with a gap of their own, as definitions §9 asks of everyone's
TIMES_PACE = 2  # definitions §12: about twice the usual gap


@dataclass(frozen=True)
class Cadence:
    """A segment's quarter. `pace`: the median of its people's own gaps between purchases, in days."""

    key: str
    name: str
    people: int
    messages: int
    reached: int
    answered: int
    buyers: int
    bought_again: int
    paced: int
    pace: float | None

    @property
    def a_person(self) -> float:
        return self.messages / self.people if self.people else 0.0

    @property
    def proposed_days(self) -> int | None:
        """After how many days without a purchase to write: about twice their pace; None where too few have one."""
        return round(self.pace * TIMES_PACE) if self.pace and self.paced >= LEAST_PACES else None


@dataclass(frozen=True)
class Quarter:
    """Three months, as `2026-Q3`."""

    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> "Quarter":
        """Raises ValueError for what is none."""
        year, _, number = text.partition("-Q")
        begins = Month(int(year), 3 * int(number) - 2)
        return cls(begins.first, begins.plus(2).last)


def cadences(session: Session, quarter: Quarter, calendar: Calendar, *, now: datetime) -> list[Cadence]:
    """Every segment in use, by the people who are in it now."""
    context = context_of(session, now)
    segments = select(Segment).where(Segment.archived_at.is_(None)).order_by(Segment.name)
    return [_cadence(session, each, quarter, calendar, context) for each in session.scalars(segments).all()]


def people_in(session: Session, segment: Segment, quarter: Quarter, what: str, *, now: datetime) -> Rows:
    """Member ids behind a figure: `people`, `buyers` or `again`."""
    mine = _mine(segment, context_of(session, now))
    if what == "people":
        return mine
    bought = _bought(mine, quarter)
    return bought.having(func.count(distinct(Purchase.day)) >= 2) if what == "again" else bought


def _mine(segment: Segment, context: RuleContext) -> Rows:
    return select(Member.id).where(counts(), compile_rule(segment.rule, context))


def _bought(mine: Rows, quarter: Quarter) -> Rows:
    days = and_(Purchase.day.between(quarter.first, quarter.last), Purchase.net_amount > 0)
    return select(Purchase.member_id).where(days, Purchase.member_id.in_(mine)).group_by(Purchase.member_id)


def _cadence(session: Session, segment: Segment, quarter: Quarter, calendar: Calendar, context: RuleContext) -> Cadence:
    mine = _mine(segment, context)
    people = _how_many(session, mine)
    sent = _sent(quarter, calendar)
    messages = session.scalar(select(func.count()).where(sent, Recipient.member_id.in_(mine))) or 0
    period = Period(Month.of(quarter.last), calendar, context.now)
    answer = answers(period).where(sent, Recipient.member_id.in_(mine)).subquery("answers")
    reached, answered = session.execute(select(func.count(), func.coalesce(func.sum(answer.c.hit), 0))).one()
    bought = _bought(mine, quarter)
    again = bought.having(func.count(distinct(Purchase.day)) >= 2)
    own = select(func.count(), median(MemberScore.gap_median)).where(
        MemberScore.member_id.in_(mine), MemberScore.gap_count > 0
    )
    paced, pace = session.execute(own).one()
    return Cadence(segment.key, segment.name, people, messages, reached, int(answered), _how_many(session, bought),
                   _how_many(session, again), paced, pace)  # fmt: skip


def _sent(quarter: Quarter, calendar: Calendar) -> ColumnElement[bool]:
    return and_(
        Recipient.state == "sent",
        Recipient.sent_at >= calendar.start(quarter.first),
        Recipient.sent_at < calendar.end(quarter.last),
    )


def _how_many(session: Session, ids: Rows) -> int:
    return session.scalar(select(func.count()).select_from(ids.subquery())) or 0
