"""What somebody did by the one of two joined records goes with it when they are parted."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import booking, granting, merging, referring, resolving, unmerging, waiting
from models.channel import the_channel
from models.event import Event
from models.member import Member
from models.merge import Merge
from models.mission import Referral, Ticket
from models.staff import Staff
from models.store import Booking, WaitlistEntry
from tests.domain.operations.test_missions import make_draw
from tests.domain.operations.test_referring import joins, visitor
from tests.support.factories import make_member, make_slot, make_store
from tests.support.moments import NOW

DAY = timedelta(days=1)


@pytest.fixture
def joined(session: Session) -> tuple[Member, Member, Merge]:
    kept, gone = make_member(session), make_member(session)
    return kept, gone, merging.merge(session, kept, gone, staff_id=None, now=NOW)


def owners(session: Session, model: Any, column: str = "member_id", *which: Any) -> list[int]:
    return list(session.scalars(select(getattr(model, column)).where(*which)))


def part(session: Session, made: Merge) -> None:
    session.info.pop("came_by", None)
    unmerging.unmerge(session, made, staff_id=None, now=NOW + DAY)
    session.expire_all()


def test_a_seat_and_a_place_in_line(session: Session, joined: tuple[Member, Member, Merge]) -> None:
    _, gone, made = joined
    store = make_store(session)
    free, full = (make_slot(session, store, starts_at=NOW + n * DAY, capacity=1) for n in (3, 4))
    booking.book(session, make_member(session), slot_id=full.id, source="liff", now=NOW)
    person = resolving.the_person(session, gone)
    seat = booking.book(session, person, slot_id=free.id, source="liff", now=NOW)
    waiting.join(session, person, slot_id=full.id, now=NOW)
    part(session, made)
    assert owners(session, Booking, "member_id", Booking.ref == seat.ref) == [gone.id]
    assert owners(session, WaitlistEntry) == [gone.id]


def test_a_ticket(session: Session, joined: tuple[Member, Member, Merge]) -> None:
    kept, gone, made = joined
    draw = make_draw(session)
    for record, cause in ((kept, "one"), (gone, "other")):
        person = resolving.the_person(session, record)
        granting.grant(session, member_id=person.id, benefit={"ticket": {"draw": draw.key}}, cause=cause, now=NOW)
    part(session, made)
    found = select(Ticket.cause, Ticket.member_id)
    assert dict(session.execute(found).all()) == {"one": kept.id, "other": gone.id}


def test_a_friend_brought_by_the_link_of_one(session: Session, joined: tuple[Member, Member, Merge]) -> None:
    _, gone, made = joined
    staff = Staff(login="counter", name="Counter", role="marketer", language="en", created_at=NOW)
    session.add(staff)
    session.flush()
    link = referring.link_of(session, resolving.the_person(session, gone))
    session.info.pop("came_by", None)
    assert link == the_channel(session).liff_url(f"/join?by={gone.ref}")
    friend = visitor(session)
    referring.clicked(session, friend, by=gone.ref, now=NOW + timedelta(seconds=5))
    joins(session, friend, staff, "0912000007")
    part(session, made)
    assert owners(session, Referral, "referrer_id") == [gone.id]
    assert owners(session, Event, "member_id", Event.kind == "referred") == [gone.id]
