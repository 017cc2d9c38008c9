"""Lists of people, page by page, from any query of member ids: so that a count and its list cannot disagree."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, aliased

from models.member import Friend, Member
from models.programme import Tier

PAGE_SIZE = 50
# Closed months hold their people as ids; a page of them is looked up by plain IN.
Ids = Select[tuple[int]] | Sequence[int]


@dataclass(frozen=True)
class Person:
    """One line of a list of people."""

    ref: str
    name: str | None
    number: str
    tier: dict[str, str] | None
    is_member: bool
    is_following: bool | None


@dataclass(frozen=True)
class PeoplePage:
    """Up to PAGE_SIZE people, how many there are in all, and the key of the next page."""

    people: list[Person]
    count: int
    next_after: str | None


def people_page(session: Session, ids: Ids, *, after: str | None = None, size: int = PAGE_SIZE) -> PeoplePage:
    """The people of `ids`, newest first, after the one named `after`. Show with the `people_table` macro."""
    among = Member.id.in_(ids)
    query = _people().where(among).order_by(Member.id.desc()).limit(size + 1)
    if after:
        query = query.where(Member.id < _id_of(after))
    rows = session.execute(query).all()
    count = session.scalar(select(func.count()).select_from(Member).where(among)) or 0
    people = [_person(*row) for row in rows[:size]]
    return PeoplePage(people, count, people[-1].ref if len(rows) > size else None)


def some_people(session: Session, ids: Ids, *, size: int = 10) -> list[Person]:
    """A handful, to put faces to a count."""
    rows = session.execute(_people().where(Member.id.in_(ids)).order_by(Member.id.desc()).limit(size))
    return [_person(*row) for row in rows]


def _people() -> Select[tuple[Member, Friend | None, Tier | None]]:
    return (
        select(Member, Friend, Tier)
        .outerjoin(Friend, Friend.member_id == Member.id)
        .outerjoin(Tier, Tier.id == Member.tier_id)
    )


def _id_of(ref: str) -> ColumnElement[int]:
    other = aliased(Member)
    return select(other.id).where(other.ref == ref).scalar_subquery()


def _person(member: Member, friend: Friend | None, tier: Tier | None) -> Person:
    return Person(
        ref=member.ref,
        name=name_of(member, friend),
        number=member.number,
        tier=tier.name if tier else None,
        is_member=member.is_member,
        is_following=friend.is_following if friend else None,
    )


def name_of(member: Member, friend: Friend | None) -> str | None:
    """What to call them: the name they gave, else what LINE shows."""
    return member.name or (friend.display_name if friend else None)
