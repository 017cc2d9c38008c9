"""Of the members whose paid period ended in the month, those who renewed it: before its end, or within 30 days after.

Of each kind of access a member counts once, with the last period that ended in the month. What was taken back,
since its order was refunded, is no period that ended; what is less than 30 days ago and not renewed is pending.
"""

from datetime import timedelta

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from domain.metrics._people import is_member
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.arithmetic import hours_later
from models.benefit import AccessLine
from models.member import Member

GRACE = timedelta(days=30)


def rows(period: Period) -> Rows:
    due = _due(period).cte("due")
    follows = aliased(AccessLine)
    renewed = exists().where(
        follows.member_id == due.c.member_id,
        follows.key == due.c.part,
        follows.ended_at.is_(None),
        or_(follows.ends_at.is_(None), follows.ends_at > due.c.ends_at),
        follows.starts_at <= hours_later(due.c.ends_at, int(GRACE.total_seconds() // 3600)),
        follows.at <= period.as_of,
    )
    early = due.c.ends_at > period.as_of - GRACE
    return select(
        due.c.member_id, due.c.part, flag(renewed).label("hit"), flag(and_(early, ~renewed)).label("pending")
    ).where(due.c.ends_at <= period.as_of)


def _due(period: Period) -> Rows:
    return (
        select(
            AccessLine.member_id.label("member_id"), AccessLine.key.label("part"),
            func.max(AccessLine.ends_at, type_=AccessLine.ends_at.type).label("ends_at"),
        )
        .join(Member, Member.id == AccessLine.member_id)
        .where(
            is_member(period.last_moment), AccessLine.ended_at.is_(None),
            AccessLine.ends_at >= period.start, AccessLine.ends_at < period.end,
        )
        .group_by(AccessLine.member_id, AccessLine.key)
    )  # fmt: skip


METRIC = Metric(
    key="renewal_rate",
    place=40,
    title=mark("Renewal"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of the %(of)s whose paid period ended renewed it."),
    trust=mark("Who was given a period as a present counts too. Look at each kind by itself where you have several."),
    rows=rows,
    rests_on=("purchase",),
)
