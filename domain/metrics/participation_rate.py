"""Of the people a campaign's messages reached during the month, those who took part in it within 30 days.

Only campaigns that people can take part in count: those in which anybody did. Who took part without having been
written to is in the capture of the Review, not here (definitions §10, feature M37).
"""

from sqlalchemy import ColumnElement, and_, exists, func, or_, select

from domain.metrics._people import counts
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.metrics.segment_engagement import reached
from domain.wording import mark
from models.arithmetic import hours_later
from models.campaign import Campaign, Recipient
from models.event import Event
from models.member import Member

PART_DAYS = 30


def rows(period: Period) -> Rows:
    invited = (
        select(
            Recipient.member_id,
            Recipient.campaign_id,
            Campaign.ref,
            func.min(Recipient.sent_at, type_=Recipient.sent_at.type).label("at"),
        )
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .join(Member, Member.id == Recipient.member_id)
        .where(counts(), reached(), Recipient.sent_at >= period.start, Recipient.sent_at < period.end)
        .where(Recipient.campaign_id.in_(_with_parts()))
        .group_by(Recipient.member_id, Recipient.campaign_id, Campaign.ref)
        .subquery("invited")
    )
    ends = hours_later(invited.c.at, PART_DAYS * 24)
    took_part = exists(
        select(1)
        .where(
            Event.member_id == invited.c.member_id,
            Event.kind == "participated",
            or_(Event.campaign_id == invited.c.campaign_id, Event.object == invited.c.ref),
            Event.occurred_at.between(invited.c.at, ends),
            Event.recorded_at <= period.as_of,
        )
        .correlate(invited)
    )
    return select(
        invited.c.member_id, invited.c.ref.label("part"), flag(took_part).label("hit"),
        flag(ends > period.as_of).label("pending"),
    )  # fmt: skip


def _with_parts() -> Rows:
    """Campaigns in which anybody took part."""
    took_part = exists(select(1).where(_is_of(), Event.kind == "participated").correlate(Campaign))
    return select(Campaign.id).where(took_part)


def _is_of() -> ColumnElement[bool]:
    return or_(Event.campaign_id == Campaign.id, and_(Event.campaign_id.is_(None), Event.object == Campaign.ref))


METRIC = Metric(
    key="participation_rate",
    place=30,
    title=mark("Participation"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s people who were invited took part."),
    trust=mark("Not the effect of the message: some would have come without it. See Effect for that."),
    rows=rows,
    rests_on=("participated",),
    parts=(),
)
