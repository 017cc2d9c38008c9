"""A store with a day's work, and staff of every role: what the console's pages show in tests and pictures."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import booking, checkin, waiting
from models.channel import the_channel
from models.inbox import WebhookEvent
from models.member import Member
from models.outbox import OutgoingMessage
from models.staff import StaffNote
from models.store import Slot, Store
from tests.support.a_member import furnish
from tests.support.factories import make_member, make_slot, make_tag
from tests.support.retagging import retag as retag_now
from tests.support.staff import add_staff
from tests.support.world import World

NAMES = ("林怡君", "Chen Wei", "佐藤 花", "สมชาย ใจดี", "Alexandra Konstantinopoulou-Wang")


def furnish_counter(world: World) -> str:
    """Puts everything on the table; returns the member_ref of someone with a whole history."""
    user = furnish(world)
    with world.session() as session:
        store = session.scalars(select(Store).order_by(Store.id)).first()
        assert store is not None
        member = session.scalars(select(Member).order_by(Member.id)).first()
        assert member is not None
        _a_day(session, store, member, now=world.now)
        _work(session, member, now=world.now)
        make_tag(session, "regular", name={"en": "Regular", "zh-Hant": "常客"}, rule={"condition": "registered"})
        retag_now(session, now=world.now)
        session.commit()
        store_id, ref = store.id, member.ref
    for role in ("owner", "marketer", "viewer"):
        add_staff(world.sessions, role)
    add_staff(world.sessions, "store", store_id=store_id)
    assert user
    return ref


def _a_day(session: Session, store: Store, member: Member, *, now: datetime) -> None:
    """A visit that began, one that is full with somebody waiting, and one still empty."""
    people = [make_member(session, name=name, created_at=now) for name in NAMES]
    for slot in session.scalars(
        select(Slot).where(Slot.store_id == store.id, Slot.starts_at < now + timedelta(hours=9))
    ):
        session.delete(slot)
    session.flush()
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    early, full, _ = (
        make_slot(session, store, starts_at=hour + timedelta(hours=2 * n), capacity=2 + n) for n in range(3)
    )
    came = booking.book(session, people[0], slot_id=early.id, now=now)
    checkin.arrive(session, came, staff_id=None, now=now)
    for person in (people[1], people[2], member):
        booking.book(session, person, slot_id=full.id, now=now)
    for person in people[3:]:
        waiting.join(session, person, slot_id=full.id, now=now)


def _work(session: Session, member: Member, *, now: datetime) -> None:
    """An unanswered chat, a parked event, and a message nobody is sure about."""
    session.add(StaffNote(member_id=member.id, kind="chat", text="週日有營業嗎？", created_at=now))
    session.add(
        WebhookEvent(
            event_id="parked-1", type="postback", received_at=now, state="parked", attempts=5, error="KeyError: 'act'"
        )
    )
    session.add(
        OutgoingMessage(
            channel_id=the_channel(session).id, member_id=member.id, to="U1", kind="service", name="answer",
            messages=[{"type": "text", "text": "Yes, from ten to six."}], once="unsure-1", created_at=now, due_at=now,
            state="unsure", reason="LINE did not answer within 10 s", retry_key="k",
        )
    )  # fmt: skip
