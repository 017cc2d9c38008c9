"""Of the friends we can reach at the month's end, those who carry at least one tag that says something about them.

A tag counts when it is marked as counting, is not archived, and its assignment has neither expired nor
been removed; once there are 100 friends, a tag on 95 % of them or more separates nobody and does not
count (definitions §4.1). Everyone is counted, so there is no interval.
"""

from sqlalchemy import exists, literal, select

from domain.metrics._people import countable_tag, reachable_friends, tag_held_at, tags_on_everyone
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.programme import MemberTag, Tag


def rows(period: Period) -> Rows:
    moment = period.last_moment
    friends = reachable_friends(moment).cte("friends")
    tagged = exists(
        select(1)
        .select_from(MemberTag)
        .join(Tag, Tag.id == MemberTag.tag_id)
        .where(
            MemberTag.member_id == friends.c.member_id,
            countable_tag(),
            tag_held_at(moment),
            MemberTag.tag_id.not_in(tags_on_everyone(friends, moment)),
        )
        .correlate(friends)
    )
    return select(
        friends.c.member_id,
        literal("").label("part"),
        flag(tagged).label("hit"),
        literal(0).label("pending"),
    )


METRIC = Metric(
    key="tag_coverage",
    place=1,
    title=mark("Tag coverage"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of the %(of)s friends we can reach carry a tag that says something about them."),
    rows=rows,
    rests_on=("followed", "unfollowed", "tagged"),
    exact=True,
)
