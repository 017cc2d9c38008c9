"""Care: who is unhappy and waits, how well the loop is closed (L23); and whoever else waits for an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import ColumnElement, Select, case, func, literal, select
from sqlalchemy.orm import Session

from domain.metrics._people import counts
from domain.rules import compile_rule, context_of
from models.member import Friend, Member
from models.programme import Segment
from models.staff import Staff, StaffNote, care_waits

PAGE = 50
WINDOW = timedelta(days=90)
Rows = Select[StaffNote, Member, Friend, str, bool]
# Whoever is in this segment of the programme is answered first (M91).
FIRST = "first_in_line"


@dataclass(frozen=True)
class Case:
    """One note with the person it is about and who sees to it."""

    note: StaffNote
    ref: str
    name: str | None
    assignee: str | None
    is_first: bool = False


@dataclass(frozen=True)
class Loop:
    """Of the cases opened in the last 90 days: how many are closed, and how long that took half of them, in hours."""

    opened: int
    closed: int
    median_hours: float | None

    @property
    def rate(self) -> float | None:
        """Closed of opened; None while there was none."""
        return self.closed / self.opened if self.opened else None


def open_cases(session: Session, *, after: int = 0) -> list[Case]:
    """Open cases of care, the longest waiting first, after the note of that id."""
    waiting = _cases().where(care_waits(), StaffNote.id > after)
    return _read(session, waiting.order_by(StaffNote.id).limit(PAGE))


def closed_cases(session: Session, *, limit: int = 10) -> list[Case]:
    """The last ones closed, with what was done."""
    done = _cases().where(StaffNote.kind == "care", StaffNote.closed_at.is_not(None))
    return _read(session, done.order_by(StaffNote.closed_at.desc(), StaffNote.id.desc()).limit(limit))


def loop(session: Session, *, now: datetime) -> Loop:
    """How well the loop is closed. Test people, staff and the erased are in no figure."""
    opened = (
        select(StaffNote.created_at, StaffNote.closed_at)
        .join(Member, Member.id == StaffNote.member_id)
        .where(counts(), StaffNote.kind == "care", StaffNote.created_at > now - WINDOW, StaffNote.created_at <= now)
    )
    rows = session.execute(opened).all()
    hours = [(closed - began).total_seconds() / 3600 for began, closed in rows if closed is not None]
    return Loop(opened=len(rows), closed=len(hours), median_hours=median(hours) if hours else None)


def waiting(
    session: Session,
    *,
    kinds: Sequence[str] = ("chat", "task", "care"),
    assignee_id: int | None = None,
    limit: int = PAGE,
    now: datetime,
) -> list[Case]:
    """What nobody has closed, of people to be answered first before the others, then the longest waiting."""
    first = _is_first(session, now).label("is_first")
    query = _cases(first).where(StaffNote.closed_at.is_(None), StaffNote.kind.in_(kinds))
    if assignee_id is not None:
        query = query.where(StaffNote.assignee_id == assignee_id)
    return _read(session, query.order_by(first.desc(), StaffNote.created_at, StaffNote.id).limit(limit))


def open_for(session: Session, member: Member) -> StaffNote | None:
    """The care this person waits for."""
    theirs = select(StaffNote).where(StaffNote.member_id == member.id, care_waits())
    return session.scalar(theirs.order_by(StaffNote.id).limit(1))


def count_open(session: Session) -> int:
    return session.scalar(select(func.count(StaffNote.id)).where(care_waits())) or 0


def _is_first(session: Session, now: datetime) -> ColumnElement[bool]:
    segment = session.scalar(select(Segment).where(Segment.key == FIRST, Segment.archived_at.is_(None)))
    if segment is None:
        return case((Member.id.is_(None), True), else_=False)  # nobody; a constant cannot be ordered by
    return case((compile_rule(segment.rule, context_of(session, now)), True), else_=False)


def _cases(first: ColumnElement[bool] | None = None) -> Rows:
    return (
        select(StaffNote, Member, Friend, Staff.name, literal(False) if first is None else first)
        .join(Member, Member.id == StaffNote.member_id)
        .outerjoin(Friend, Friend.member_id == Member.id)
        .outerjoin(Staff, Staff.id == StaffNote.assignee_id)
    )


def _read(session: Session, query: Rows) -> list[Case]:
    return [
        Case(note, member.ref, member.name or (friend.display_name if friend else None), assignee, bool(first))
        for note, member, friend, assignee, first in session.execute(query)
    ]
