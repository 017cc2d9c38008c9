"""Points leave a person's hands: spent at the counter or in the shop, given or taken by a decision of staff.

Two tills at once cannot spend the same points: each holds the person's row while it looks and writes.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, Invalid, NotFound
from domain.operations import pointing
from domain.operations.auditing import audit
from domain.operations.earning import returning
from domain.reports.points import Balance, balance_of
from domain.scores._point_terms import ends, terms_from
from domain.wording import mark
from models.member import Member
from models.points import PointLine
from models.programme import the_brand

UNDO = timedelta(minutes=10)
MOST = 10_000_000  # of one go: more is a slip of the hand


@dataclass(frozen=True)
class Spent:
    """A spending as it stands in the ledger; `is_new` is False when it was known already."""

    line: PointLine
    is_new: bool


def spend(
    session: Session,
    member: Member,
    *,
    points: int,
    ref: str,
    order_ref: str | None = None,
    staff_id: int | None = None,
    source: str = "staff",
    now: datetime,
) -> Spent:
    """Takes points that can be used now. `ref` names this spending: the same again changes nothing.

    Raises Invalid for a number that is none, Conflict when there are not enough, or `ref` was used otherwise.
    """
    if not 0 < points <= MOST:
        raise Invalid(mark("No points were used: say a whole number above 0."), code="points_wrong")
    cause = f"spent:{ref}"
    pointing.lock(session, [member.id])
    known = _line(session, cause)
    if known is not None:
        return _the_same(known, member, points)
    pointing.put_in_step(session, [member.id], now=now)
    _require(balance_of(session, member.id, now=now), points)
    said = {"source": source, **({"order": order_ref} if order_ref else {})}
    row = {"member_id": member.id, "points": -points, "reason": "spent", "at": now, "cause": cause}
    pointing.write_lines(session, [row | {"staff_id": staff_id, "evidence": said}])
    pointing.put_in_step(session, [member.id], now=now)
    if staff_id is not None:
        _note(session, "spent_points", member, staff_id, {"points": points}, now=now)
    return Spent(_the_line(session, cause), is_new=True)


def undo(session: Session, member: Member, *, ref: str, staff_id: int, now: datetime) -> None:
    """Takes a spending back within ten minutes: each lot has again what was taken from it. Safe to repeat."""
    pointing.lock(session, [member.id])
    spent = _line(session, f"spent:{ref}")
    if spent is None or spent.member_id != member.id:
        raise NotFound(mark("There is no such use of points to take back. Look at the list again."))
    if now - spent.at > UNDO:
        raise Conflict(
            mark("These points were used more than ten minutes ago, so they stay used. Give new ones if it was wrong."),
            code="too_late",
        )
    if _give_back(session, spent, now=now):
        _note(session, "undid_points", member, staff_id, {"points": -spent.points}, now=now)


def give_back(session: Session, member: Member, *, ref: str, now: datetime) -> bool:
    """What a shop's system spent and does not need: True when given back now, False when that was done before."""
    pointing.lock(session, [member.id])
    spent = _line(session, f"spent:{ref}")
    if spent is None or spent.member_id != member.id:
        raise NotFound(
            mark("No points of this member were used under this id. Correct the id."), code="spend_not_found"
        )
    return _give_back(session, spent, now=now)


def _give_back(session: Session, spent: PointLine, *, now: datetime) -> bool:
    line = returning(spent, at=max(now, spent.at))
    if _line(session, line["cause"]) is not None:
        return False
    pointing.write_lines(session, [line])
    pointing.put_in_step(session, [spent.member_id], now=now)
    return True


def just_used(session: Session, member: Member, *, now: datetime) -> list[tuple[str, PointLine]]:
    """What this person used in the last ten minutes and was not taken back: each with the ref that undoes it."""
    spent = select(PointLine).where(
        PointLine.member_id == member.id, PointLine.reason == "spent", PointLine.at >= now - UNDO
    )
    undone = set(
        session.scalars(select(PointLine.cause).where(PointLine.member_id == member.id, PointLine.reason == "returned"))
    )
    return [
        (line.cause.removeprefix("spent:"), line)
        for line in session.scalars(spent.order_by(PointLine.id))
        if f"returned:{line.cause}" not in undone
    ]


def adjust(
    session: Session, member: Member, *, points: int, reason: str, ref: str, staff_id: int, now: datetime
) -> PointLine:
    """Gives (above 0) or takes (below 0) points by hand, with a reason; `ref` makes the same form count once.

    Points given are usable at once and good as long as earned ones. Never takes more than there are.
    """
    reason = " ".join(reason.split())[:200]
    if not reason:
        raise Invalid(mark("The points were not changed: say why, so that others understand it later."))
    if points == 0 or abs(points) > MOST:
        raise Invalid(mark("The points were not changed: say a whole number, such as 50 or -50."), code="points_wrong")
    cause = f"adjusted:{ref}"
    pointing.lock(session, [member.id])
    known = _line(session, cause)
    if known is not None:
        return _the_same(known, member, -points).line
    pointing.put_in_step(session, [member.id], now=now)
    balance = balance_of(session, member.id, now=now)
    if points < 0 and balance.total < -points:
        raise Conflict(
            mark("The points were not changed: there are only %(n)s to take."), code="not_enough_points",
            n=max(balance.total, 0),
        )  # fmt: skip
    pointing.write_lines(session, [_adjustment(session, member, points, reason, cause, staff_id, now=now)])
    pointing.put_in_step(session, [member.id], now=now)
    _note(session, "adjusted_points", member, staff_id, {"points": points, "why": reason}, now=now)
    return _the_line(session, cause)


def _adjustment(
    session: Session, member: Member, points: int, reason: str, cause: str, staff_id: int, *, now: datetime
) -> dict[str, Any]:
    calendar = calendar_of(session)
    until = ends(terms_from(the_brand(session).points), calendar.day_of(now), calendar)
    return {
        "member_id": member.id, "points": points, "reason": "adjusted", "at": now, "cause": cause,
        "usable_at": now if points > 0 else None, "expires_at": until if points > 0 else None,
        "staff_id": staff_id, "evidence": {"why": reason},
    }  # fmt: skip


def _require(balance: Balance, points: int) -> None:
    if balance.usable >= points:
        return
    if balance.usable + balance.pending >= points:
        raise Conflict(
            mark("Not enough points can be used yet: %(n)s can be used now, %(pending)s more are on their way."),
            code="not_enough_points", n=max(balance.usable, 0), pending=balance.pending,
        )  # fmt: skip
    raise Conflict(
        mark("There are not enough points: %(n)s can be used now. Use fewer."), code="not_enough_points",
        n=max(balance.usable, 0),
    )  # fmt: skip


def _the_same(known: PointLine, member: Member, points: int) -> Spent:
    if known.member_id != member.id or known.points != -points:
        raise Conflict(
            mark("This id was used before for other points, so nothing was changed. Use an id of its own."),
            code="id_used",
        )
    return Spent(known, is_new=False)


def _line(session: Session, cause: str) -> PointLine | None:
    return session.scalar(select(PointLine).where(PointLine.cause == cause))


def _the_line(session: Session, cause: str) -> PointLine:
    return session.scalars(select(PointLine).where(PointLine.cause == cause)).one()


def _note(session: Session, action: str, member: Member, staff_id: int, data: dict[str, Any], *, now: datetime) -> None:
    audit(session, staff_id=staff_id, action=action, member_id=member.id, data=data, now=now)
