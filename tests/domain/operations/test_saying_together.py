"""Marketing of many cases at once: as few queries for many as for a few, and each person treated as if alone."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from domain.operations import automating, saying_together
from models.automation import Automation, Enrolment
from models.campaign import Recipient, TrackedLink
from models.outbox import OutgoingMessage
from models.programme import the_brand
from tests.support.factories import make_member
from tests.support.moments import NOW

TELL = {
    "do": "say", "message": "told",
    "texts": {"title": {"en": "Hello {name}"}, "body": {"en": "x"}, "button": {"en": "See"}},
}  # fmt: skip
ALWAYS: dict[str, Any] = {"on": "rule_holds", "rule": {"all": []}}


def enter_everyone(session: Session, key: str, **fields: Any) -> Automation:
    row = Automation(key=key, trigger=ALWAYS, actions=[TELL], holdout_percent=0, **fields)
    session.add(row)
    session.flush()
    automating.enable(session, row, including_present=True, now=NOW)
    automating.enrol(session, row, now=NOW)
    return row


def act(session: Session, now: datetime = NOW) -> int:
    """Does all that is due; how many statements that took."""
    statements = 0

    def count(*_: Any) -> None:
        nonlocal statements
        statements += 1

    event.listen(session.get_bind(), "before_cursor_execute", count)
    try:
        while automating.act(session, now=now):
            pass
    finally:
        event.remove(session.get_bind(), "before_cursor_execute", count)
    return statements


def test_many_take_as_many_queries_as_a_few(session: Session) -> None:
    for _ in range(5):
        make_member(session)
    enter_everyone(session, "few")
    few = act(session)
    for _ in range(60):
        make_member(session)
    enter_everyone(session, "many")
    assert act(session) <= few + 6  # rows of one INSERT may be told to the driver in several pages
    assert session.scalar(select(func.count()).select_from(OutgoingMessage)) == 5 + 65


def test_each_message_has_its_own_link_and_recipient(session: Session) -> None:
    people = [make_member(session) for _ in range(3)]
    enter_everyone(session, "tell")
    act(session)
    rows = session.execute(
        select(OutgoingMessage.id, OutgoingMessage.member_id, OutgoingMessage.messages, Recipient.member_id)
        .join(Recipient, Recipient.id == OutgoingMessage.recipient_id)
        .order_by(OutgoingMessage.member_id)
    ).all()
    assert [(row[1], row[3]) for row in rows] == [(each.id, each.id) for each in people]
    for message_id, member_id, messages, _ in rows:
        links = session.scalars(select(TrackedLink).where(TrackedLink.message_id == message_id)).all()
        assert {link.member_id for link in links} == {member_id}
        assert any(link.token in str(messages) for link in links)


def test_two_messages_to_one_person_at_once_are_two_under_the_cap(session: Session) -> None:
    make_member(session)
    the_brand(session).weekly_cap = 1
    session.flush()
    enter_everyone(session, "one")
    enter_everyone(session, "two")
    act(session)
    states = session.execute(select(Recipient.state, Recipient.reason).order_by(Recipient.id)).all()
    assert [tuple(row) for row in states] == [("ready", None), ("withheld", "cap")]


def test_a_message_said_before_is_not_said_again(session: Session) -> None:
    make_member(session)
    enter_everyone(session, "tell")
    act(session)
    row = session.scalars(select(Enrolment)).one()
    message = session.scalars(select(OutgoingMessage)).one()
    message.once = f"{message.once.removesuffix(':1')}:1"  # the same occasion, with its recipient forgotten
    recipient = session.get_one(Recipient, message.recipient_id)
    recipient.occasion = "another"
    row.state = "waiting"
    session.flush()
    act(session, NOW + timedelta(minutes=1))
    assert (row.state, row.reason) == ("withheld", "repeated")
    assert session.scalar(select(func.count()).select_from(OutgoingMessage)) == 1


def test_one_that_cannot_be_said_stops_no_other(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    people = [make_member(session) for _ in range(3)]
    enter_everyone(session, "tell")
    whole = saying_together._message

    def broken(session: Session, wish: Any, *, now: datetime) -> dict[str, Any]:
        row = whole(session, wish, now=now)
        return {**row, "channel_id": None} if row["member_id"] == people[1].id else row

    monkeypatch.setattr(saying_together, "_message", broken)
    act(session)
    states = dict(session.execute(select(Enrolment.member_id, Enrolment.state)).all())
    assert [states[each.id] for each in people] == ["done", "failed", "done"]
    assert session.scalar(select(func.count()).select_from(OutgoingMessage)) == 2
