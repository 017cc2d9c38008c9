"""Sets of the people with a tag, kept exact: what changed since a set was made is looked up in the rows again.

What may have changed is found in what only grows: the rows of `member_tag` and the log of tags given and taken
past the set's marks, and lives that have run out since. Who is found is then looked up as they are now, so
that looking twice, or at somebody whom nothing happened to, does no harm.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.orm import Session

from models.event import Event
from models.packing import People
from models.people_set import Marks, read_set
from models.programme import MemberTag, Tag

# A transaction of ours is over after this; until then rows with lower ids may still appear.
SETTLED_SECONDS = 600
# Where nobody watched for so long: so many rows before the last are looked at again.
SLACK = 50_000
# Past this, making a set anew costs less than looking at what changed.
FAR = 400_000
MANY = 20_000
LOOKED_UP_AT_ONCE = 5_000
OPEN = text("removed_at IS NULL")  # as the index says it


@dataclass(frozen=True)
class Kept:
    """A set as it was at `as_of`. Rows up to `floor` are surely in it; `coming` will be its floor once settled."""

    ids: People
    built: datetime
    as_of: datetime
    floor: Marks
    coming: Marks
    seen: float  # the machine's monotonic seconds at which `coming` were the last rows

    def is_near(self, marks: Marks) -> bool:
        """Whether little enough has happened since for the set to be brought up to date."""
        return max(marks.event - self.floor.event, marks.member_tag - self.floor.member_tag) < FAR

    def advanced(self, marks: Marks, seen: float) -> "Kept":
        """Looked at again: how far it is now surely complete."""
        if marks.is_settled:
            return replace(self, floor=marks, coming=marks, seen=seen)
        if seen - self.seen < SETTLED_SECONDS:
            return self
        return replace(self, floor=self.coming, coming=marks, seen=seen)


def surely_seen(marks: Marks) -> Marks:
    """Up to where rows are surely seen by who reads now, having watched nobody before."""
    return marks.less(SLACK)


def live_tags(session: Session, keys: Collection[str]) -> dict[int, str]:
    """The tags in use among these, by id."""
    query = select(Tag.id, Tag.key).where(Tag.key.in_(keys), Tag.archived_at.is_(None))
    return {row[0]: row[1] for row in session.execute(query)}


def all_live_tags(session: Session) -> list[int]:
    return list(session.scalars(select(Tag.id).where(Tag.archived_at.is_(None)).order_by(Tag.id)))


def builder(session: Session, tag_id: int, now: datetime) -> Callable[[], People]:
    """What makes a tag's set from its rows."""
    return lambda: read_set(session, select(MemberTag.member_id).where(MemberTag.tag_id == tag_id, *_held(now)))


def brought_up(
    session: Session, tags: Mapping[int, str], kept: Mapping[int, Kept], marks: Marks, *, now: datetime
) -> dict[int, People]:
    """The sets as they are now."""
    if not kept:
        return {}
    touched: dict[int, set[int]] = {tag_id: set() for tag_id in kept}
    for tag_id, member_id in _changes(session, tags, list(kept.values()), marks, now):
        touched[tag_id].add(member_id)
    few = {tag_id: ids for tag_id, ids in touched.items() if len(ids) <= MANY}
    held = _who_holds(session, few, now)
    return {
        tag_id: (kept[tag_id].ids - People(ids)) | People(held[tag_id])
        if tag_id in few else builder(session, tag_id, now)()
        for tag_id, ids in touched.items()
    }  # fmt: skip


def _held(now: datetime) -> list[ColumnElement[bool]]:
    return [MemberTag.removed_at.is_(None), or_(MemberTag.expires_at.is_(None), MemberTag.expires_at > now)]


def _changes(
    session: Session, tags: Mapping[int, str], kept: list[Kept], marks: Marks, now: datetime
) -> Iterator[tuple[int, int]]:
    """(tag, person) of everything that may have changed since the oldest of the sets."""
    event, row = min(each.floor.event for each in kept), min(each.floor.member_tag for each in kept)
    pair = select(MemberTag.tag_id, MemberTag.member_id).where(MemberTag.tag_id.in_(tags))
    if event < marks.event:
        yield from _in_the_log(session, {key: tag_id for tag_id, key in tags.items()}, event)
    if row < marks.member_tag:
        yield from _pairs(session.execute(pair.where(MemberTag.id > row)))
    since = min(each.as_of for each in kept)
    if since < now:
        yield from _pairs(session.execute(pair.where(OPEN, MemberTag.expires_at > since, MemberTag.expires_at <= now)))


def _in_the_log(session: Session, ids: Mapping[str, int], since: int) -> Iterator[tuple[int, int]]:
    """Who was given one of these tags or lost it, by the events after this one."""
    told = select(Event.object, Event.member_id).where(
        Event.id > since, Event.kind.in_(("tagged", "untagged")), Event.object.in_(ids)
    )
    for key, member_id in session.execute(told):
        if key is not None and member_id is not None:
            yield ids[key], member_id


def _pairs(rows: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    return ((row[0], row[1]) for row in rows)


def _who_holds(session: Session, touched: Mapping[int, set[int]], now: datetime) -> dict[int, set[int]]:
    """Of the people touched, those who hold the tag."""
    held: dict[int, set[int]] = {tag_id: set() for tag_id in touched}
    tag_ids = [tag_id for tag_id, ids in touched.items() if ids]
    everyone = sorted(set().union(*touched.values())) if touched else []
    for at in range(0, len(everyone), LOOKED_UP_AT_ONCE):
        some = MemberTag.member_id.in_(everyone[at : at + LOOKED_UP_AT_ONCE])
        query = select(MemberTag.tag_id, MemberTag.member_id).where(MemberTag.tag_id.in_(tag_ids), some, *_held(now))
        for tag_id, member_id in _pairs(session.execute(query)):
            if member_id in touched[tag_id]:
                held[tag_id].add(member_id)
    return held
