"""Of the people who took part in a campaign, those who within 7 days were given a tag that says something
about them, entered a follow-up, and still had us as a friend.

People count in the month of their first part in the campaign. A follow-up is an automation entered or
a place in a planned send. Beside it stand each half alone, those lost by blocking us, the stricter
figure without the campaign's own tag, and heads counted by hand (definitions §4.5).
"""

from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, exists, func, literal, literal_column, or_, select
from sqlalchemy.orm import aliased

from domain.metrics._people import countable_tag, counts, not_ended_at, reachable_at
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.arithmetic import hours_later
from models.automation import Enrolment
from models.campaign import Campaign, Recipient
from models.event import Event
from models.member import Member
from models.programme import MemberTag, Tag

CAPTURE_DAYS = 7
NOTHING: ColumnElement[str] = literal_column("''")  # not a parameter, so that PostgreSQL can group by it


def rows(period: Period) -> Rows:
    people = _participants(period).subquery("people")
    until = hours_later(people.c.at, CAPTURE_DAYS * 24)
    tagged, strict = _tagged(people, until, period), _tagged(people, until, period, people.c.tag_key)
    followed_up = _followed_up(people, until, period)
    reachable = reachable_at(people.c.member_id, until)
    waiting = until > period.as_of
    return select(
        people.c.member_id,
        people.c.part,
        flag(and_(tagged, followed_up, reachable)).label("hit"),
        flag(waiting).label("pending"),
        flag(and_(~waiting, tagged)).label("tagged"),
        flag(and_(~waiting, followed_up)).label("enrolled"),
        flag(and_(~waiting, tagged, followed_up, ~reachable)).label("lost_by_block"),
        flag(and_(~waiting, strict, followed_up, reachable)).label("without_own_tag"),
    ).where(people.c.at >= period.start, people.c.at < period.end)


def _participants(period: Period) -> Rows:
    """Each person's first part in each campaign, between its start and end, in whatever month."""
    part = func.coalesce(Campaign.ref, Event.object, NOTHING)
    within = and_(
        or_(Campaign.starts_on.is_(None), Event.occurred_at >= Campaign.starts_on),
        or_(Campaign.ends_on.is_(None), Event.occurred_at < Campaign.ends_on),
    )
    return (
        select(
            Event.member_id.label("member_id"),
            part.label("part"),
            func.min(Event.occurred_at).label("at"),
            func.min(Campaign.id).label("campaign_id"),
            func.min(Campaign.tag_key).label("tag_key"),
        )
        .join(Member, Member.id == Event.member_id)
        .outerjoin(Campaign, _is_its_campaign())
        .where(Event.kind == "participated", Event.recorded_at <= period.as_of, counts(), within)
        .group_by(Event.member_id, part)
    )


def _is_its_campaign() -> ColumnElement[bool]:
    return or_(Campaign.id == Event.campaign_id, and_(Event.campaign_id.is_(None), Campaign.ref == Event.object))


def _tagged(
    people: Subquery, until: Any, period: Period, own_tag: ColumnElement[Any] | None = None
) -> ColumnElement[bool]:
    """A valid tag given or renewed in the days after, still held at their end; without `own_tag` if named."""
    renewal = exists(
        select(1)
        .where(
            Event.member_id == people.c.member_id,
            Event.kind == "tagged",
            Event.object == Tag.key,
            Event.occurred_at.between(people.c.at, until),
            Event.recorded_at <= period.as_of,
        )
        .correlate(people, Tag)
    )
    given = or_(
        MemberTag.assigned_at.between(people.c.at, until),
        MemberTag.renewed_at.between(people.c.at, until),
        renewal,
    )
    found = (
        select(1)
        .select_from(MemberTag)
        .join(Tag, Tag.id == MemberTag.tag_id)
        .where(MemberTag.member_id == people.c.member_id, countable_tag(), not_ended_at(until), given)
        .correlate(people)
    )
    if own_tag is not None:
        found = found.where(Tag.key != func.coalesce(own_tag, ""))
    return exists(found)


def _followed_up(people: Subquery, until: Any, period: Period) -> ColumnElement[bool]:
    """Entered an automation, or was frozen into the audience of another send, in the days after."""
    other, entry = aliased(Campaign), aliased(Event)
    entered = select(1).where(
        Enrolment.member_id == people.c.member_id,
        Enrolment.entered_at.between(people.c.at, until),
        Enrolment.state != "outside",  # of whom a rule became true, but who did not enter
    )
    recorded = select(1).where(
        entry.member_id == people.c.member_id,
        entry.kind == "enrolled",
        entry.occurred_at.between(people.c.at, until),
        entry.recorded_at <= period.as_of,
    )
    planned = (
        select(1)
        .select_from(Recipient)
        .join(other, other.id == Recipient.campaign_id)
        .where(
            Recipient.member_id == people.c.member_id,
            other.id != func.coalesce(people.c.campaign_id, 0),
            case((other.frozen_at.is_not(None), other.frozen_at), else_=Recipient.due_at).between(people.c.at, until),
        )
    )
    return or_(*(exists(each.correlate(people)) for each in (entered, recorded, planned)))


def anonymous_heads(period: Period) -> Rows:
    """(part, heads) nobody could be recognised in: counted by hand, or parts taken without a person."""
    hand = select(Campaign.ref.label("part"), Campaign.anonymous_heads.label("heads")).where(
        Campaign.anonymous_heads > 0, Campaign.starts_on >= period.start, Campaign.starts_on < period.end
    )
    seen = (
        select(func.coalesce(Campaign.ref, Event.object, NOTHING).label("part"), literal(1).label("heads"))
        .select_from(Event)
        .outerjoin(Campaign, _is_its_campaign())
        .where(
            Event.kind == "participated",
            Event.member_id.is_(None),
            Event.occurred_at >= period.start,
            Event.occurred_at < period.end,
            Event.recorded_at <= period.as_of,
        )
    )
    both = hand.union_all(seen).subquery("heads")
    return select(both.c.part, func.sum(both.c.heads)).group_by(both.c.part)


METRIC = Metric(
    key="campaign_capture",
    place=6,
    title=mark("Campaign capture"),
    definition=first_paragraph(__doc__),
    sentence=mark(
        "%(who)s of %(of)s who took part in a campaign stayed with us: tagged and followed up within 7 days."
    ),
    rows=rows,
    parts=(),
    rests_on=("participated", "tagged"),
    asides=("tagged", "enrolled", "lost_by_block", "without_own_tag"),
)
