"""Takes away points that ran out: one line for each lot, for many people at once. Safe to repeat.

Gives the same as replaying each person's ledger would, since a lot gives up all that is left of it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, String, cast, delete, literal, select
from sqlalchemy.orm import Session, aliased

from domain.operations import pointing
from models.points import PointLine, PointLot
from models.session import insert_for

PEOPLE = 2_000  # a transaction
INTO = ("member_id", "via_id", "points", "reason", "at", "cause", "evidence")


def expire_some(session: Session, *, now: datetime, limit: int = PEOPLE) -> int:
    """Takes away what ran out for up to `limit` people; returns how many people, 0 when nobody is left."""
    due = select(PointLot.member_id).where(PointLot.expires_at < now, PointLot.remaining > 0)
    ids = sorted(session.scalars(due.distinct().limit(limit)))
    if not ids:
        return 0
    pointing.lock(session, ids)
    again = _had_one_before(session, ids, now)
    _write(session, sorted(set(ids) - again), now)
    if again:
        pointing.put_in_step(session, again, now=now)
    return len(ids)


def _ended(ids: Sequence[int], now: datetime) -> list[ColumnElement[bool]]:
    return [PointLot.member_id.in_(ids), PointLot.expires_at < now, PointLot.remaining > 0]


def _cause() -> ColumnElement[str]:
    return literal(pointing.EXPIRED) + cast(PointLot.line_id, String)


def _had_one_before(session: Session, ids: Sequence[int], now: datetime) -> set[int]:
    """Whose lot ran out before and has points again, since a spending was taken back: rare, and replayed."""
    earlier = aliased(PointLine)
    known = select(PointLot.member_id).join(earlier, earlier.cause == _cause()).where(*_ended(ids, now))
    return set(session.scalars(known))


def _write(session: Session, ids: Sequence[int], now: datetime) -> None:
    lots = (
        select(
            PointLot.member_id, PointLine.via_id, -PointLot.remaining, literal("expired"), PointLot.expires_at,
            _cause(), literal({}, PointLine.evidence.type),
        )
        .join(PointLine, PointLine.id == PointLot.line_id)
        .where(*_ended(ids, now))
    )  # fmt: skip
    insert = insert_for(session)(PointLine.__table__).from_select(INTO, lots, include_defaults=False)
    session.execute(insert.on_conflict_do_nothing(index_elements=["cause"]))
    session.execute(delete(PointLot).where(*_ended(ids, now)), execution_options={"synchronize_session": False})
