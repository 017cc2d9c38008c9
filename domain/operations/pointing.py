"""Keeps the points ledger and its lots in step with what people bought and were given (definitions §7, I11).

The lines are the truth and are never changed; lots are made from them by replay (`domain/scores/points.py`)
and can be made again for anybody at any time. Whoever changes a person's points holds that person's row.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import earning, naming
from domain.scores.points import Entry, Lot, replay
from models.event import Event
from models.member import Member
from models.merge import via_of
from models.points import PointLine, PointLot
from models.purchase import Purchase
from models.session import insert_for

BATCH = 500
RETURNED, EXPIRED = "returned:", "expired:"


def settle(session: Session, member_ids: Collection[int], *, is_history: bool = False, now: datetime) -> int:
    """Brings these people's points in line with their orders and with the time; returns how many lines were added.

    Safe to repeat. Nothing is said to anybody, so `is_history` makes no difference: points move as of their own time.
    """
    return sum(
        _settle_batch(session, part, now=now)
        for part in naming.chunks(sorted(set(member_ids)), BATCH)
        if earning.is_on(session) or _has_any(session, part)
    )


def put_in_step(session: Session, member_ids: Collection[int], *, now: datetime) -> int:
    """Makes the lots of these people from their lines; adds lines for what ran out, and returns how many."""
    lock(session, member_ids)
    return _remake_lots(session, member_ids, _ledger(session, member_ids), now=now)


def _remake_lots(
    session: Session, member_ids: Collection[int], lines: Mapping[int, Sequence[PointLine]], *, now: datetime
) -> int:
    pick_ups = _pick_ups(session, member_ids)
    lots: list[Held] = []
    expired: list[dict[str, Any]] = []
    for theirs in lines.values():
        held = _hold(theirs, pick_ups, now=now)
        lots += held
        expired += _expiries(held, theirs)
    write_lines(session, expired)
    _write_lots(session, member_ids, lots)
    return len(expired)


def take_back_unearned(session: Session, member_ids: Collection[int], *, now: datetime) -> None:
    """After records were parted: what orders earned that their own buyer had not joined in time to earn."""
    calendar = calendar_of(session)
    orders = (
        select(Purchase.id, Purchase.day, Purchase.member_id, Purchase.via_id, Member.registered_at)
        .join(Member, Member.id == Purchase.member_id)
        .where(Purchase.member_id.in_(member_ids))
        .where(Purchase.id.in_(select(PointLine.purchase_id).where(PointLine.member_id.in_(member_ids))))
    )
    early = {
        id: (member_id, via_id)
        for id, day, member_id, via_id, joined_at in session.execute(orders)
        if joined_at is None or day < calendar.day_of(joined_at)
    }
    earned = select(PointLine.purchase_id, func.sum(PointLine.points), func.count()).where(
        PointLine.purchase_id.in_(early), PointLine.reason.in_(("earned", "taken_back"))
    )
    for purchase_id, points, n in session.execute(earned.group_by(PointLine.purchase_id)).all():
        if points and purchase_id is not None:
            member_id, via_id = early[purchase_id]
            row = {"member_id": member_id, "via_id": via_id, "points": -points, "reason": "taken_back", "at": now}
            write_lines(session, [{**row, "purchase_id": purchase_id, "cause": f"order:{purchase_id}:parted:{n}"}])
    put_in_step(session, member_ids, now=now)


def lock(session: Session, member_ids: Collection[int]) -> None:
    """These people's points are ours alone until the transaction ends; always taken in the same order."""
    session.flush()
    rows = select(Member.id).where(Member.id.in_(member_ids)).order_by(Member.id)
    session.execute(rows.with_for_update(of=Member, key_share=True)).all()


def write_lines(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds lines to the ledger; one whose cause is known already is left out."""
    if rows:
        statement = insert_for(session)(PointLine).on_conflict_do_nothing(index_elements=["cause"])
        session.execute(statement, [{**EMPTY_LINE, "via_id": via_of(session, row["member_id"]), **row} for row in rows])


EMPTY_LINE: dict[str, Any] = {
    "usable_at": None, "expires_at": None, "purchase_id": None, "staff_id": None, "evidence": {},
}  # fmt: skip


@dataclass(frozen=True)
class Held:
    """A lot and the line it came from."""

    lot: Lot
    line: PointLine


def _settle_batch(session: Session, ids: Sequence[int], *, now: datetime) -> int:
    lock(session, ids)
    lines = _ledger(session, ids)
    fresh = earning.missing_lines(session, ids, lines, now=now)
    if fresh:
        write_lines(session, fresh)
        lines = _ledger(session, ids)
    return len(fresh) + _remake_lots(session, ids, lines, now=now)


def _has_any(session: Session, ids: Sequence[int]) -> bool:
    return session.scalar(select(PointLine.id).where(PointLine.member_id.in_(ids)).limit(1)) is not None or (
        session.scalar(select(PointLot.line_id).where(PointLot.member_id.in_(ids)).limit(1)) is not None
    )


def _ledger(session: Session, ids: Collection[int]) -> dict[int, list[PointLine]]:
    """The lines of each person, oldest first: rows, since nobody changes them."""
    found: dict[int, list[PointLine]] = defaultdict(list)
    table = PointLine.__table__
    for line in session.execute(select(table).where(table.c.member_id.in_(ids)).order_by(table.c.id)):
        found[line.member_id].append(cast(PointLine, line))
    return found


def _pick_ups(session: Session, ids: Collection[int]) -> dict[int, datetime]:
    """When orders were picked up, where that is known: by purchase."""
    picked = select(Event.object, Event.occurred_at).where(Event.kind == "picked_up", Event.member_id.in_(ids))
    by_ref = {(about or "").removeprefix("order:"): at for about, at in session.execute(picked)}
    if not by_ref:
        return {}
    orders = select(Purchase.id, Purchase.order_ref).where(Purchase.order_ref.in_(by_ref))
    return {id: by_ref[ref] for id, ref in session.execute(orders)}


def _hold(lines: Sequence[PointLine], pick_ups: Mapping[int, datetime], *, now: datetime) -> list[Held]:
    by_id = {line.id: line for line in lines}
    by_cause = {line.cause: line.id for line in lines}
    entries = [_entry(line, by_cause, pick_ups) for line in lines if line.reason != "expired"]
    return [Held(lot, by_id[lot.entry.id]) for lot in replay(entries, now=now)]


def _entry(line: PointLine, by_cause: Mapping[str, int], pick_ups: Mapping[int, datetime]) -> Entry:
    undoes = by_cause.get(line.cause.removeprefix(RETURNED)) if line.cause.startswith(RETURNED) else None
    return Entry(
        id=line.id, points=line.points, at=line.at, usable_at=_usable_at(line, pick_ups),
        expires_at=line.expires_at, order=line.purchase_id, undoes=undoes,
    )  # fmt: skip


def _usable_at(line: PointLine, pick_ups: Mapping[int, datetime]) -> datetime:
    """As the line says, or later where the order was picked up later than was known then."""
    usable_at = line.usable_at or line.at
    picked_up_at = pick_ups.get(line.purchase_id or 0)
    if picked_up_at is None or line.reason != "earned":
        return usable_at
    return max(usable_at, picked_up_at + timedelta(days=line.evidence.get("pending_days", 0)))


def _expiries(held: Sequence[Held], lines: Sequence[PointLine]) -> list[dict[str, Any]]:
    """Lines for what ran out and is not written yet; of either sign, since what is learned late may unmake some."""
    written: dict[int, list[int]] = defaultdict(list)
    for line in lines:
        if line.reason == "expired":
            written[int(line.cause.split(":")[1])].append(line.points)
    return [
        {
            "member_id": each.line.member_id, "via_id": each.line.via_id, "points": -more, "reason": "expired",
            "at": each.lot.expires_at, "cause": _expiry_cause(each.line.id, len(written[each.line.id])),
        }
        for each in held
        if (more := each.lot.expired + sum(written[each.line.id]))
    ]  # fmt: skip


def _expiry_cause(line_id: int, before: int) -> str:
    return f"{EXPIRED}{line_id}" + (f":{before}" if before else "")


def _write_lots(session: Session, ids: Collection[int], held: Sequence[Held]) -> None:
    """Puts the lots of these people in place of what is stored, also of lines that were another record's until now."""
    wanted = {each.line.id: _lot_row(each) for each in held if each.lot.remaining}
    theirs = select(PointLine.id).where(PointLine.member_id.in_(ids))
    mine = or_(PointLot.member_id.in_(ids), PointLot.line_id.in_(theirs))
    stored = {row.line_id: dict(row._mapping) for row in session.execute(select(*PointLot.__table__.c).where(mine))}
    gone = sorted(stored.keys() - wanted.keys())
    for part in naming.chunks(gone):
        session.execute(
            delete(PointLot).where(PointLot.line_id.in_(part)), execution_options={"synchronize_session": False}
        )
    rows = [row for line_id, row in wanted.items() if stored.get(line_id) != row]
    if rows:
        statement = insert_for(session)(PointLot.__table__)
        put = {
            name: statement.excluded[name] for name in ("member_id", "points", "remaining", "usable_at", "expires_at")
        }
        session.execute(statement.on_conflict_do_update(index_elements=["line_id"], set_=put), rows)
    for row in session.identity_map.values():
        if isinstance(row, PointLot):
            session.expire(row)


def _lot_row(held: Held) -> dict[str, Any]:
    return {
        "line_id": held.line.id, "member_id": held.line.member_id, "points": held.line.points,
        "remaining": held.lot.remaining, "usable_at": held.lot.entry.usable_at,
        "expires_at": held.lot.entry.expires_at,
    }  # fmt: skip
