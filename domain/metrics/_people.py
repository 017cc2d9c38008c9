"""Who counts, who could be reached at a moment, and which tags say something (definitions §1, §4.1)."""

from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, case, distinct, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from domain.metrics._shape import Rows
from models.event import Event
from models.member import Friend, Member
from models.programme import MemberTag, Tag
from models.purchase import Purchase

# A moment is a given one, or a column of the row at hand.
Moment = datetime | ColumnElement[datetime] | InstrumentedAttribute[Any]

EVERYONE_FROM = 100  # friends; below this no tag is "on everyone"
EVERYONE_PERCENT = 95


def counts() -> ColumnElement[bool]:
    """Left out of every metric: test records, staff, erased and merged-away people."""
    return and_(
        Member.is_test.is_(False),
        Member.is_staff.is_(False),
        Member.erased_at.is_(None),
        Member.merged_into_id.is_(None),
    )


def of_the_public() -> ColumnElement[bool]:
    """The order at hand is no test and no member of staff's; it may be of nobody we know."""
    flagged = select(Member.id).where(or_(Member.is_test, Member.is_staff))
    return or_(Purchase.member_id.is_(None), Purchase.member_id.not_in(flagged))


def is_member(as_of: datetime) -> ColumnElement[bool]:
    """Counts, and has registered."""
    return and_(counts(), Member.registered_at <= as_of)


def reachable_at(member_id: ColumnElement[int] | InstrumentedAttribute[int], moment: Moment) -> ColumnElement[bool]:
    """Whether the person's latest follow or unfollow before `moment` was a follow.

    The friend row answers when its last change lies before `moment`; else the log does.
    """
    friend, change = aliased(Friend), aliased(Event)
    latest = (
        select(change.kind)
        .where(change.member_id == member_id, change.kind.in_(("followed", "unfollowed")), change.occurred_at < moment)
        .order_by(change.occurred_at.desc(), change.id.desc())
        .limit(1)
        .correlate_except(change)
        .scalar_subquery()
    )
    first = case((friend.first_followed_at < moment, "followed"), else_="never")
    before = or_(friend.state_at.is_(None), friend.state_at < moment)
    follows = case((before, friend.is_following.is_(True)), else_=func.coalesce(latest, first) == "followed")
    return exists(select(1).where(friend.member_id == member_id, follows).correlate_except(friend))


def reachable_friends(moment: datetime) -> Rows:
    """Ids of the friends who count and could be reached at `moment`."""
    known = select(Friend.member_id.label("member_id")).join(Member, Member.id == Friend.member_id)
    return known.where(counts(), reachable_at(Friend.member_id, moment))


def countable_tag() -> ColumnElement[bool]:
    """The tag says something about a person: marked so, and not one of the system's own."""
    return and_(Tag.counts_for_coverage.is_(True), Tag.kind != "system")


def tag_held_at(moment: Moment) -> ColumnElement[bool]:
    """The assignment stood at `moment`: given before, and not ended."""
    return and_(MemberTag.assigned_at < moment, not_ended_at(moment))


def not_ended_at(moment: Moment) -> ColumnElement[bool]:
    """Neither removed nor expired nor its tag archived by `moment`."""
    return and_(
        or_(MemberTag.removed_at.is_(None), MemberTag.removed_at >= moment),
        or_(MemberTag.expires_at.is_(None), MemberTag.expires_at >= moment),
        or_(Tag.archived_at.is_(None), Tag.archived_at >= moment),
    )


def tags_on_everyone(friends: CTE, moment: datetime) -> Rows:
    """Ids of tags on nearly all friends: they separate nobody."""
    total = select(func.count()).select_from(friends).scalar_subquery()
    carried = (
        select(MemberTag.tag_id)
        .join(Tag, Tag.id == MemberTag.tag_id)
        .join(friends, friends.c.member_id == MemberTag.member_id)
        .where(tag_held_at(moment))
        .group_by(MemberTag.tag_id)
    )
    holders = func.count(distinct(MemberTag.member_id))
    return carried.having(total >= EVERYONE_FROM, holders * 100 >= total * EVERYONE_PERCENT)
