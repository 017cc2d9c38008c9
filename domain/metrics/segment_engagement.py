"""Of the people a message reached, those who then did something with it: opened its link, pressed its
button, opened its page or claimed its coupon within 72 hours, or wrote to us within 24.

Reached means sent, accepted, and a friend at that moment. The figure of the month adds up all messages
sent in it, one row per person and message; each message is cut by the segments people were in when it
was frozen, and a person in two segments counts in both (definitions §4.2).
"""

from sqlalchemy import ColumnElement, and_, case, exists, or_, select
from sqlalchemy.orm import aliased

from domain.events import OWN_ACTIONS
from domain.metrics._people import counts, reachable_at
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.arithmetic import hours_later
from models.campaign import Campaign, Recipient
from models.event import Event
from models.member import Member

ANSWER_HOURS = 72
TEXT_HOURS = 24


def engaged(period: Period) -> ColumnElement[bool]:
    """Whether the recipient at hand answered the message."""
    action = and_(
        Event.kind.in_(OWN_ACTIONS),
        Event.campaign_id == Recipient.campaign_id,
        Event.occurred_at <= hours_later(Recipient.sent_at, ANSWER_HOURS),
    )
    wrote = and_(
        Event.kind == "texted",
        Event.occurred_at <= hours_later(Recipient.sent_at, TEXT_HOURS),
        ~_said_stop(),
    )
    after = and_(Event.occurred_at > Recipient.sent_at, Event.recorded_at <= period.as_of)
    mine = and_(Event.member_id == Recipient.member_id, Event.kind.in_(OWN_ACTIONS))
    return exists(select(1).where(mine, after, or_(action, wrote)).correlate_except(Event))


def _said_stop() -> ColumnElement[bool]:
    """A text that refused marketing is no engagement: both events bear the same moment."""
    refusal = aliased(Event)
    same = and_(
        refusal.member_id == Event.member_id, refusal.kind == "refused", refusal.occurred_at == Event.occurred_at
    )
    return exists(select(1).where(same).correlate_except(refusal))


def reached() -> ColumnElement[bool]:
    """Whether the recipient at hand was reached. An imported send says nothing of it; then the log does."""
    known = case(
        (Recipient.was_reachable.is_not(None), Recipient.was_reachable.is_(True)),
        else_=reachable_at(Recipient.member_id, Recipient.sent_at),
    )
    return and_(Recipient.state == "sent", Recipient.sent_at.is_not(None), known)


def answers(period: Period) -> Rows:
    """Every reached recipient of any month, with whether they answered: `rows` and a campaign's page narrow it."""
    return (
        select(
            Recipient.member_id,
            Campaign.ref.label("part"),
            flag(engaged(period)).label("hit"),
            flag(hours_later(Recipient.sent_at, ANSWER_HOURS) > period.as_of).label("pending"),
            Recipient.segments.label("segments"),
        )
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .join(Member, Member.id == Recipient.member_id)
        .where(counts(), reached())
    )


def rows(period: Period) -> Rows:
    in_month = (Recipient.sent_at >= period.start, Recipient.sent_at < period.end)
    return answers(period).where(*in_month, Recipient.sent_at <= period.as_of)


METRIC = Metric(
    key="segment_engagement",
    place=2,
    title=mark("Segment engagement"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s messages that reached someone were answered."),
    rows=rows,
    parts=(),
    rests_on=("clicked", "postback", "opened_app"),
    split="segments",
)
