"""What staff write about people, and what people wrote that waits for staff."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.operations.auditing import audit
from domain.operations.recording import record
from domain.wording import mark
from models.member import Member
from models.staff import Staff, StaffNote

LONGEST = 2000


def write(session: Session, member: Member, *, text: str, staff_id: int, now: datetime) -> StaffNote:
    """A note on a person's page. Only staff see it; a copy of their data includes it."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise Invalid(
            mark("The note was not saved: it needs 1 to %(n)s characters. Change it and save again."), n=LONGEST
        )
    note = StaffNote(member_id=member.id, kind="note", text=text, author_id=staff_id, created_at=now, closed_at=now)
    session.add(note)
    session.flush()
    # The words stay in the note alone, so that erasing a person has one place to look.
    record(session, "noted", member_id=member.id, source="staff", object=f"note:{note.id}", now=now)
    audit(session, staff_id=staff_id, action="noted", member_id=member.id, object=f"note:{note.id}", now=now)
    return note


def newest(session: Session, member: Member, *, limit: int = 3) -> Sequence[tuple[StaffNote, str | None]]:
    """The newest notes of staff about a person, each with who wrote it: what the counter should know."""
    query = (
        select(StaffNote, Staff.name)
        .outerjoin(Staff, Staff.id == StaffNote.author_id)
        .where(StaffNote.member_id == member.id, StaffNote.kind == "note")
        .order_by(StaffNote.created_at.desc(), StaffNote.id.desc())
    )
    return [(note, author) for note, author in session.execute(query.limit(limit))]


def close(session: Session, note: StaffNote, *, words: str = "", staff_id: int, now: datetime) -> None:
    """A chat text is answered, a task done; twice is once.

    A case of care is closed with words: what was done about it. Raises Invalid without, and marketing waits on.
    """
    if note.closed_at is None:
        words = words.strip()[:LONGEST]
        if note.kind == "care" and not words:
            raise Invalid(
                mark("The case stays open: say in a few words what you did about it, so that others know."),
                code="words_needed",
            )
        note.closed_at, note.closed_by_id, note.closed_words = now, staff_id, words or None
        audit(
            session,
            staff_id=staff_id,
            action="closed_note",
            member_id=note.member_id,
            object=f"note:{note.id}",
            now=now,
        )


def assign(session: Session, note: StaffNote, *, to: Staff | None, staff_id: int, now: datetime) -> None:
    """Says who sees to it; None: whoever is free."""
    note.assignee_id = to.id if to else None
    audit(
        session, staff_id=staff_id, action="assigned_note", member_id=note.member_id, object=f"note:{note.id}",
        data={"to": to.login if to else None}, now=now,
    )  # fmt: skip
