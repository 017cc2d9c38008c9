"""Opening seats from weekly hours, safely repeated."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations.opening import WeeklyHours, open_slots
from models.store import Slot
from tests.support.factories import make_store

HOURS = WeeklyHours(opens="11:00", closes="14:00", minutes=60, capacity=3, closed_weekdays=(2,))


def test_slots_follow_the_weekly_hours_from_now_on(session: Session, now: datetime) -> None:
    store = make_store(session)

    made = open_slots(session, store, days=3, hours=HOURS, now=now)  # a Tuesday noon; Wednesday is closed

    starts = session.scalars(select(Slot.starts_at).where(Slot.store_id == store.id).order_by(Slot.starts_at)).all()
    assert made == len(starts) == 1 + 3
    assert [moment.hour + 8 for moment in starts] == [13, 11, 12, 13]


def test_opening_again_changes_nothing(session: Session, now: datetime) -> None:
    store = make_store(session)
    open_slots(session, store, days=3, hours=HOURS, now=now)
    slot = session.scalars(select(Slot).where(Slot.store_id == store.id)).first()
    assert slot is not None
    slot.capacity = 9
    session.flush()

    assert (
        open_slots(
            session, store, days=3, hours=WeeklyHours("11:00", "14:00", capacity=1, closed_weekdays=(2,)), now=now
        )
        == 0
    )
    session.refresh(slot)
    assert slot.capacity == 9
