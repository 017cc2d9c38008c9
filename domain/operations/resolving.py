"""Which record answers for a person: the kept one, when staff joined theirs into another, through chains."""

from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.member import Member
from models.merge import Merge, came_by, via_of

PIECE = 10_000


def roots(session: Session, member_ids: Collection[int]) -> dict[int, int]:
    """The record that answers for each of these; who does not exist is left out."""
    into = _joined(session, member_ids)
    known = dict(into)
    while unknown := {each for each in known.values() if each is not None} - known.keys():
        known |= _joined(session, unknown)
    return {member_id: _end(known, member_id) for member_id in into}


def _joined(session: Session, member_ids: Collection[int]) -> dict[int, int | None]:
    """Into what each of these was joined, if it was."""
    found: dict[int, int | None] = {}
    ids = sorted(member_ids)
    for at in range(0, len(ids), PIECE):
        query = select(Member.id, Member.merged_into_id).where(Member.id.in_(ids[at : at + PIECE]))
        found.update(dict(session.execute(query).all()))
    return found


def _end(into: dict[int, int | None], member_id: int) -> int:
    while (following := into[member_id]) is not None:
        member_id = following
    return member_id


def the_person(session: Session, record: Member) -> Member:
    """Who stands behind a record that somebody was met by. What they do from here on is noted as done by it."""
    if record.merged_into_id is None:
        came_by(session, record.id, None)
        return record
    kept = session.get_one(Member, roots(session, [record.id])[record.id])
    came_by(session, kept.id, record.id)
    return kept


def record_of(session: Session, member_id: int) -> int:
    """The record by whose identity this person acts: what they claim now belongs to it."""
    return via_of(session, member_id) or member_id


def below(session: Session, member_id: int) -> set[int]:
    """This record and all that were joined into it, directly or through others."""
    found = {member_id}
    fresh: Iterable[int] = found
    joined = select(Merge.gone_id).where(Merge.undone_at.is_(None))
    while fresh := set(session.scalars(joined.where(Merge.kept_id.in_(fresh)))) - found:
        found |= fresh
    return found
