"""Of everyone who ever added the account, those who have blocked it by the month's end.

Everyone is counted, so there is no interval. LINE's own count of blocks goes down when somebody unblocks and may
differ (definitions §1).
"""

from sqlalchemy import literal, select

from domain.metrics._people import counts, reachable_at
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.member import Friend, Member


def rows(period: Period) -> Rows:
    moment = period.last_moment
    return (
        select(Friend.member_id, literal("").label("part"), flag(~reachable_at(Friend.member_id, moment)).label("hit"),
               literal(0).label("pending"))
        .join(Member, Member.id == Friend.member_id)
        .where(counts(), Friend.first_followed_at < moment)
    )  # fmt: skip


METRIC = Metric(
    key="block_rate",
    place=31,
    title=mark("Blocked"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of everyone who ever added us (%(of)s) have blocked us."),
    trust=mark("It only grows slowly and hides a bad week: Contact pressure shows what followed which message."),
    rows=rows,
    rests_on=("followed", "unfollowed"),
    exact=True,
)
