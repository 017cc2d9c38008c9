"""How much we write, and what people do about it: messages a person a week, and blocks after the nth message (L24).

A message counts once it was sent. A block belongs to a message when it came within seven days of it and before the
next one; people are counted from the ninety days before `now`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Subquery, and_, case, distinct, exists, func, or_, select
from sqlalchemy.orm import Session

from domain.metrics._people import counts
from domain.metrics._shape import Rows, flag
from models.arithmetic import hours_later
from models.campaign import Recipient
from models.event import Event
from models.member import Member
from models.programme import Tier

DAYS = 90
WEEKS = DAYS / 7
BLOCK_HOURS = 7 * 24
MOST = 12  # from the twelfth message on they are counted together


@dataclass(frozen=True)
class Load:
    """A tier's messages in the ninety days: people written to, and how many messages in all."""

    tier: str
    people: int
    messages: int

    @property
    def a_week(self) -> float:
        return self.messages / self.people / WEEKS


def loads(session: Session, *, now: datetime) -> list[Load]:
    """By today's tier, lowest first; people without one under ""."""
    rows = (
        select(func.coalesce(Tier.key, ""), func.count(distinct(Recipient.member_id)), func.count())
        .select_from(Recipient)
        .join(Member, Member.id == Recipient.member_id)
        .outerjoin(Tier, Tier.id == Member.tier_id)
        .where(counts(), _recent(now))
        .group_by(Tier.key, Tier.rank)
        .order_by(func.coalesce(Tier.rank, -1))
    )
    return [Load(tier, int(people), int(messages)) for tier, people, messages in session.execute(rows)]


def _recent(now: datetime) -> ColumnElement[bool]:
    return and_(Recipient.state == "sent", Recipient.sent_at > now - timedelta(days=DAYS), Recipient.sent_at <= now)


def people_written(now: datetime, tier: str) -> Rows:
    """Whom a tier's messages went to; "" is people without one."""
    mine = select(Recipient.member_id).join(Member, Member.id == Recipient.member_id)
    stands = Tier.key == tier if tier else Member.tier_id.is_(None)
    return mine.outerjoin(Tier, Tier.id == Member.tier_id).where(counts(), _recent(now), stands).distinct()


def numbered(now: datetime) -> Subquery:
    """(member_id, nth, blocked, pending): every message of the ninety days, by which of a person's it was."""
    order = (Recipient.sent_at, Recipient.id)
    messages = (
        select(
            Recipient.member_id,
            Recipient.sent_at,
            func.row_number().over(partition_by=Recipient.member_id, order_by=order).label("nth"),
            func.lead(Recipient.sent_at).over(partition_by=Recipient.member_id, order_by=order).label("next_at"),
        )
        .join(Member, Member.id == Recipient.member_id)
        .where(counts(), _recent(now))
        .subquery("messages")
    )
    ends = hours_later(messages.c.sent_at, BLOCK_HOURS)
    block = exists(
        select(1)
        .where(
            Event.member_id == messages.c.member_id,
            Event.kind == "unfollowed",
            Event.occurred_at > messages.c.sent_at,
            Event.occurred_at <= ends,
            or_(messages.c.next_at.is_(None), Event.occurred_at <= messages.c.next_at),
        )
        .correlate(messages)
    )
    return select(
        messages.c.member_id,
        case((messages.c.nth > MOST, MOST), else_=messages.c.nth).label("nth"),
        flag(block).label("blocked"),
        flag(ends > now).label("pending"),
    ).subquery("numbered")


def blocks(session: Session, *, now: datetime) -> list[tuple[int, int, int]]:
    """(nth, blocked, messages whose days have passed), MOST standing for it and all after."""
    rows = numbered(now)
    ripe = 1 - rows.c.pending
    query = select(rows.c.nth, func.sum(rows.c.blocked * ripe), func.sum(ripe))
    return [
        (int(nth), int(blocked or 0), int(n or 0))
        for nth, blocked, n in session.execute(query.group_by(rows.c.nth).order_by(rows.c.nth))
    ]


def people_blocked(now: datetime, nth: int) -> Rows:
    rows = numbered(now)
    return select(rows.c.member_id).where(rows.c.nth == nth, rows.c.blocked == 1).distinct()
