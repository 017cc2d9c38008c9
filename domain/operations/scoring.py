"""Writes what the scores say about people, only where something changed since the night before."""

from collections.abc import Iterator
from datetime import date
from typing import Any

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.recording import insert_for
from domain.scores import repurchase_cycle
from domain.scores._everyone import COLUMNS, scores
from domain.scores._figures import window_start
from models.member import Member
from models.programme import the_brand
from models.purchase import Purchase
from models.score import MemberScore

# `as_of` says since when the scores have stood, so it alone is no change.
CHANGING = tuple(name for name in COLUMNS if name not in {"member_id", "as_of"})


def ranges(session: Session, *, size: int) -> Iterator[tuple[int, int]]:
    """Ranges of member ids that cover everyone, to score piece by piece."""
    last = session.scalar(select(func.max(Member.id))) or 0
    for first in range(1, last + 1, size):
        yield first, min(first + size - 1, last)


def score(session: Session, *, day: date, ids: tuple[int, int]) -> int:
    """Scores the people of a range of ids as of the end of `day`; how many rows changed. Safe to repeat."""
    selected = scores(day, calendar=calendar_of(session), currency=the_brand(session).currency, ids=ids)
    insert = insert_for(session)(MemberScore).from_select(COLUMNS, selected)
    changed = or_(*(getattr(MemberScore, name).is_distinct_from(insert.excluded[name]) for name in CHANGING))
    values = {name: insert.excluded[name] for name in (*CHANGING, "as_of")}
    statement = insert.on_conflict_do_update(index_elements=["member_id"], set_=values, where=changed)
    # PostgreSQL's driver forgets an INSERT's row count unless asked to keep it.
    written: Any = session.execute(statement, execution_options={"preserve_rowcount": True})
    _forget_the_gone(session, ids)
    return int(written.rowcount)


def _forget_the_gone(session: Session, ids: tuple[int, int]) -> None:
    """No score outlives an erasure or a merge."""
    gone = or_(Member.erased_at.is_not(None), Member.merged_into_id.is_not(None))
    session.execute(
        delete(MemberScore).where(
            MemberScore.member_id.between(*ids),
            exists(select(1).where(Member.id == MemberScore.member_id, gone)),
        ),
        execution_options={"synchronize_session": False},
    )


def everyones_gap(session: Session, *, day: date) -> float | None:
    """The median gap between neighbouring purchase days of everyone in the last 730 days (definitions §9)."""
    tally: dict[int, int] = {}
    for days in _days_by_member(session, day, None):
        for gap in repurchase_cycle.gaps_of(days):
            tally[gap] = tally.get(gap, 0) + 1
    gaps = [gap for gap in sorted(tally) for _ in range(tally[gap])]
    return repurchase_cycle.usual_gap(gaps)


def score_cycles(session: Session, *, day: date, ids: tuple[int, int], everyones: float | None) -> int:
    """Writes each buyer's repurchase cycle and due day where they changed; how many."""
    stored = {
        row.member_id: (row.cycle_days, row.due_on)
        for row in session.execute(
            select(MemberScore.member_id, MemberScore.cycle_days, MemberScore.due_on).where(
                MemberScore.member_id.between(*ids), MemberScore.purchase_days > 0
            )
        )
    }
    changes = [
        {"member_id": member_id, "cycle_days": new[0], "due_on": new[1]}
        for member_id, new in _cycles(session, day, ids, everyones)
        if member_id in stored and stored[member_id] != new
    ]
    if changes:
        session.execute(update(MemberScore), changes)
    return len(changes)


def _cycles(
    session: Session, day: date, ids: tuple[int, int], everyones: float | None
) -> Iterator[tuple[int, tuple[int | None, date | None]]]:
    for member_id, days in _member_days(session, day, ids):
        if everyones is None:
            yield member_id, (None, None)
            continue
        cycle = repurchase_cycle.cycle_days(repurchase_cycle.gaps_of(days), everyones)
        yield member_id, (cycle, repurchase_cycle.due_on(days[-1], cycle))


def _days_by_member(session: Session, day: date, ids: tuple[int, int] | None) -> Iterator[list[date]]:
    for _, days in _member_days(session, day, ids):
        yield days


def _member_days(session: Session, day: date, ids: tuple[int, int] | None) -> Iterator[tuple[int, list[date]]]:
    """Each buyer's purchase days of the last 730 days, in order; read as a stream."""
    query = (
        select(Purchase.member_id, Purchase.day)
        .where(Purchase.member_id.is_not(None), Purchase.net_amount > 0)
        .where(Purchase.day.between(window_start(day, repurchase_cycle.GAP_DAYS), day))
        .distinct()
        .order_by(Purchase.member_id, Purchase.day)
    )
    if ids is not None:
        query = query.where(Purchase.member_id.between(*ids))
    member_id: Any = None
    days: list[date] = []
    for row in session.execute(query, execution_options={"yield_per": 5000}):
        if row[0] != member_id and days:
            yield member_id, days
            days = []
        member_id = row[0]
        days.append(row[1])
    if days:
        yield member_id, days
