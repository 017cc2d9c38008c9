"""Of all records of people, those too many: records minus persons, where records with the same verified phone or
the same LINE id, through chains, are one person.

Records that staff have joined are one already and count once. A shared e-mail, or the same name and birthday, only
suggest that two are one, and do not count (definitions §10).
"""

from sqlalchemy import CTE, and_, exists, func, literal, or_, select, union
from sqlalchemy.orm import aliased

from domain.metrics._people import counts
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.member import Identity, Member
from models.merge import Merge

SAYS_SAME = ("phone", "line")


def rows(period: Period) -> Rows:
    """A record is too many when one that is older is reached from it."""
    reached = _reached(period)
    older = aliased(Member)
    is_double = exists(
        select(1)
        .select_from(reached)
        .join(older, older.id == reached.c.other_id)
        .where(reached.c.member_id == Member.id, reached.c.other_id < Member.id)
        .where(older.created_at < period.last_moment, older.erased_at.is_(None), older.merged_into_id.is_(None))
        .where(older.is_test.is_(False), older.is_staff.is_(False))
        .correlate(Member)
    )
    return select(
        Member.id.label("member_id"),
        literal("").label("part"),
        flag(is_double).label("hit"),
        literal(0).label("pending"),
    ).where(counts(), Member.created_at < period.last_moment)


def _reached(period: Period) -> CTE:
    """Pairs of records that are one person: by a phone or LINE id of both, or joined, through chains."""
    links = _links(period)
    start = select(links.c.member_id, links.c.other_id)
    reached = start.cte("reached", recursive=True)
    further = select(reached.c.member_id, links.c.other_id).join(links, links.c.member_id == reached.c.other_id)
    return reached.union(further)


def _links(period: Period) -> CTE:
    """Neighbours, both ways: few, since what two records hold verified is written down only when it clashes."""
    one, other = aliased(Identity), aliased(Identity)
    proven = func.coalesce(other.verified_at, other.seen_at) < period.last_moment
    same = and_(one.kind == other.kind, one.value == other.value, one.member_id != other.member_id)
    clashes = (
        select(one.member_id.label("member_id"), other.member_id.label("other_id"))
        .join(other, same)
        .where(one.seen_at < period.last_moment, one.kind.in_(SAYS_SAME), proven)
    )
    found = clashes.cte("clashes")
    joined = or_(Merge.undone_at.is_(None), Merge.undone_at >= period.last_moment)
    since = and_(Merge.at < period.last_moment, joined)
    merges = select(Merge.kept_id, Merge.gone_id).where(since)
    both_ways = (
        select(found.c.member_id, found.c.other_id), select(found.c.other_id, found.c.member_id),
        merges, select(Merge.gone_id, Merge.kept_id).where(since),
    )  # fmt: skip
    return union(*both_ways).cte("links")


METRIC = Metric(
    key="duplicate_rate",
    place=52,
    title=mark("Duplicate records"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s records are of somebody who has another one."),
    trust=mark("It knows only of doubles that gave themselves away by a phone or LINE id; there are more."),
    rows=rows,
    rests_on=(),
    exact=True,
)
