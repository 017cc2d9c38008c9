"""What LINE is told of a letter, so that it takes it once and takes no other for it."""

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from domain.messages._parts import Rendered
from domain.operations import speaking
from models.member import Member
from models.outbox import OutgoingMessage
from tests.support.factories import make_member
from tests.support.moments import NOW


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session)


def key(session: Session, member: Member, words: str, *, once: str = "waitlist:7:offered") -> str:
    """The key a letter gets, in a database that was restored from before it was said."""
    session.execute(delete(OutgoingMessage))
    message = {"type": "text", "text": words}
    speaking.say(session, member, Rendered("test", [message]), kind="service", once=once, now=NOW)
    return session.scalars(select(OutgoingMessage.retry_key)).one()


def test_after_a_restore_the_same_letter_has_the_same_key(session: Session, member: Member) -> None:
    assert key(session, member, "A seat is free") == key(session, member, "A seat is free")


def test_after_a_restore_another_letter_under_the_same_id_has_another_key(session: Session, member: Member) -> None:
    first = key(session, member, "A seat is free")
    assert key(session, make_member(session), "A seat is free") != first
    assert key(session, member, "A seat at Daan is free") != first
    assert key(session, member, "A seat is free", once="waitlist:8:offered") != first
