"""What a person owns, table by table: taken along when their record is joined into another, given back when parted.

A moved row keeps in `via_id` the record it happened on. What could be there only once (a seat, an open tag) and
is there already stays behind and sleeps with its record. Derived rows (scores, lots, tags by rule, computed tier
moves) are not moved but computed anew.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, or_, select, true, update
from sqlalchemy.orm import Session, aliased

from domain.operations.tiering import GIVEN
from models.automation import Enrolment
from models.benefit import AccessLine, CouponClaim
from models.campaign import Recipient
from models.event import Event
from models.mission import MissionRound, Referral, Ticket
from models.points import PointLine
from models.programme import FormAnswer, MemberTag, TierLine
from models.purchase import Purchase
from models.staff import StaffNote
from models.store import Booking, WaitlistEntry

Condition = Callable[[Any], ColumnElement[bool]]
Closing = Callable[[datetime], Mapping[str, Any]]

# A follow belongs to the LINE account, which stays on its record; so does the word that records were joined.
OF_THE_RECORD = ("followed", "unfollowed", "merged", "unmerged")
# What a send still works on is found by its chunk's range of member ids: it moves when it is over.
MOVING_SENDS = ("sent", "failed", "unsure", "withheld", "held_out")


def _any(_row: Any) -> ColumnElement[bool]:
    return true()


@dataclass(frozen=True)
class Owned:
    """One table's rows of a person.

    `once`: the columns that, with the person, are there only once, among the rows that are `live`.
    `which`: the rows that move at all. `close`: what makes a row that cannot be given back live harmless.
    """

    model: Any
    column: str = "member_id"
    once: tuple[str, ...] = ()
    live: Condition = _any
    which: Condition = _any
    close: Closing | None = field(default=None)

    @property
    def whose(self) -> Any:
        return getattr(self.model, self.column)

    def is_there(self, owner: Any) -> ColumnElement[bool]:
        """Whether `owner` has already what could be there only once."""
        other = aliased(self.model)
        same = [getattr(other, name) == getattr(self.model, name) for name in self.once]
        held = select(1).where(getattr(other, self.column) == owner, self.live(other), *same)
        return and_(self.live(self.model), exists(held.correlate(self.model)))

    def may_move(self, owner: Any) -> ColumnElement[bool]:
        which: ColumnElement[bool] = self.which(self.model)
        return and_(which, ~self.is_there(owner)) if self.once else which


OWNED = (
    Owned(Purchase),
    Owned(Event, which=lambda row: row.kind.not_in(OF_THE_RECORD)),
    Owned(PointLine),
    Owned(TierLine, which=lambda row: row.reason.in_(GIVEN)),
    Owned(CouponClaim),
    Owned(AccessLine),
    Owned(Ticket),
    Owned(Referral, column="referrer_id"),
    Owned(MissionRound, once=("mission_id", "period", "round")),
    Owned(Booking, once=("slot_id",), live=lambda row: row.state.in_(("confirmed", "arrived"))),
    Owned(WaitlistEntry, once=("slot_id",), live=lambda row: row.state.in_(("waiting", "offered"))),
    Owned(
        MemberTag, once=("tag_id",), live=lambda row: row.removed_at.is_(None),
        which=lambda row: row.source != "rule", close=lambda now: {"removed_at": now},
    ),
    Owned(FormAnswer),
    Owned(StaffNote),
    Owned(Enrolment, once=("automation_id", "cause")),
    Owned(Recipient, once=("campaign_id", "occasion"), which=lambda row: row.state.in_(MOVING_SENDS)),
)  # fmt: skip

# Tables that name a person and keep their rows where they are, with why.
STAYS = {
    "identity": "an identity belongs to the record it was learned on; a reference finds the kept one through it",
    "friend": "the LINE account belongs to its record; messages go to that of the kept one",
    "outgoing_message": "a letter keeps its address",
    "tracked_link": "part of a letter; who taps it is resolved then",
    "audit_line": "never changed",
    "one_time_code": "lives ten minutes",
    "member_score": "derived",
    "member_forecast": "derived",
    "score_due": "derived",
    "point_lot": "derived from the lines",
}


def bring(session: Session, pairs: Mapping[int, int]) -> set[int]:
    """Moves what belongs to each of these records to the one it was joined into; whose rows grew."""
    if not pairs:
        return set()
    grew: set[int] = set()
    for owned in OWNED:
        owner = case(dict(pairs), value=owned.whose)
        moved = update(owned.model).where(owned.whose.in_(list(pairs)), owned.may_move(owner))
        values = {
            owned.column: owner,
            "via_id": case((owned.model.via_id.is_(None), owned.whose), else_=owned.model.via_id),
        }
        grew |= set(_run(session, moved.values(values).returning(owned.whose)))
    return grew


def give_back(session: Session, *, holder: int, record: int, below: Collection[int], now: datetime) -> None:
    """Moves to `record` what `holder` has of it, or of those that were joined into it before (`below`)."""
    for owned in OWNED:
        theirs = and_(owned.whose == holder, _came_through(owned, record, below))
        via = case((owned.model.via_id == record, None), (owned.model.via_id.in_(below), owned.model.via_id))
        values = {owned.column: record, "via_id": via}
        _run(session, update(owned.model).where(theirs, owned.may_move(record)).values(values).returning(owned.whose))
        if owned.close is not None:
            late = update(owned.model).where(theirs, owned.which(owned.model)).values(**values, **owned.close(now))
            _run(session, late.returning(owned.whose))


def _came_through(owned: Owned, record: int, below: Collection[int]) -> ColumnElement[bool]:
    came: ColumnElement[bool] = owned.model.via_id.in_(below)
    if owned.model is not PointLine:
        return came
    # What an order earned goes where the order went.
    orders = select(Purchase.id).where(Purchase.member_id == record)
    return or_(came, PointLine.purchase_id.in_(orders))


def _run(session: Session, statement: Any) -> list[int]:
    return list(session.scalars(statement.execution_options(synchronize_session=False)))
