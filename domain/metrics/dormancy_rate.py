"""Of all members at the month's end, those from whom nothing came for more than 90 days: no purchase, no action
of their own, and they did not join in that time.

The same question is asked of those who ever bought. What we send them, a block or an expiry is no activity of
theirs. Everyone is counted, so there is no interval (definitions §6, §10).
"""

from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, exists, literal, select, union_all

from domain.events import OWN_ACTIONS
from domain.metrics._people import is_member
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.event import Event
from models.member import Member
from models.purchase import Purchase

QUIET_DAYS = 90  # as in domain/scores/napl.py: the 91st day without a sign is asleep


def rows(period: Period) -> Rows:
    people = _members(period).cte("asleep_or_not")
    parts = [
        select(people.c.member_id, literal("all").label("part"), people.c.hit, literal(0).label("pending")),
        select(people.c.member_id, literal("ever_bought"), people.c.hit, literal(0)).where(people.c.bought == 1),
    ]
    return select(union_all(*parts).subquery("parts"))


def _members(period: Period) -> Rows:
    last = period.calendar.day_of(period.last_moment - timedelta(microseconds=1))
    since = last - timedelta(days=QUIET_DAYS)
    joined_before = Member.registered_at < period.calendar.start(since)
    bought = _bought(Purchase.day <= last)
    awake = _bought(Purchase.day.between(since, last)) | _acted(period, since)
    return select(
        Member.id.label("member_id"), flag(and_(joined_before, ~awake)).label("hit"), flag(bought).label("bought")
    ).where(is_member(period.last_moment))


def _bought(when: ColumnElement[bool]) -> ColumnElement[bool]:
    mine = select(1).where(Purchase.member_id == Member.id, Purchase.net_amount > 0, when)
    return exists(mine.correlate(Member))


def _acted(period: Period, since: date) -> ColumnElement[bool]:
    moment = period.calendar.start(since)
    mine = select(1).where(
        Event.member_id == Member.id, Event.kind.in_(OWN_ACTIONS), Event.occurred_at >= moment,
        Event.occurred_at < period.last_moment,
    )  # fmt: skip
    return exists(mine.correlate(Member))


METRIC = Metric(
    key="dormancy_rate",
    place=12,
    title=mark("Asleep"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s members have been silent for more than 90 days."),
    trust=mark("Where clicks and visits are not recorded, people look asleep who are not."),
    rows=rows,
    rests_on=("clicked", "opened_app", "purchase"),
    exact=True,
    parts=("ever_bought",),
    whole="all",
)
