"""Every link and button of a personal message knows its send; what people write is never taken for one."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.messages import welcome
from domain.messages._parts import Rendered
from domain.operations import linking, speaking
from models.campaign import TrackedLink
from models.channel import the_channel
from models.event import Event
from models.outbox import OutgoingMessage
from tests.support.factories import make_member
from tests.support.moments import NOW


def say(session: Session, messages: list[Any]) -> list[Any]:
    said = speaking.say(session, make_member(session), Rendered("test", messages), kind="service", once="t", now=NOW)
    return written(session, said).messages


def written(session: Session, said: speaking.Said) -> OutgoingMessage:
    return session.get_one(OutgoingMessage, said.message_id)


def action(**fields: Any) -> list[Any]:
    return [{"type": "template", "template": {"actions": [fields]}}]


def only(messages: list[Any]) -> dict[str, Any]:
    found: dict[str, Any] = messages[0]["template"]["actions"][0]
    return found


def test_a_link_to_the_mini_app_opens_there_and_knows_person_and_message(session: Session) -> None:
    member = make_member(session)
    said = speaking.say(session, member, welcome.render(session, member), kind="service", once="w", now=NOW)
    link = session.scalars(select(TrackedLink)).one()
    assert (link.member_id, link.message_id) == (member.id, said.message_id)
    assert linking.page_of(session, link) == "/card"
    assert the_channel(session).liff_url(f"/t/{link.token}") in str(written(session, said).messages)


def test_another_sites_link_goes_through_us(session: Session) -> None:
    uri = only(say(session, action(type="uri", label="x", uri="https://example.com/a?b=1")))["uri"]
    link = session.scalars(select(TrackedLink)).one()
    assert uri == f"{the_channel(session).public_url}/t/{link.token}"
    assert (link.url, linking.page_of(session, link)) == ("https://example.com/a?b=1", None)


@pytest.mark.parametrize("uri", ["tel:+886212345678", "line://nv/location"])
def test_what_is_no_web_address_stays_as_it_is(session: Session, uri: str) -> None:
    assert only(say(session, action(type="uri", label="x", uri=uri)))["uri"] == uri


def test_a_button_carries_its_send(session: Session) -> None:
    data = only(say(session, action(type="postback", label="x", data="act=waitlist&entry=5")))["data"]
    link = session.scalars(select(TrackedLink)).one()
    assert data == f"act=waitlist&entry=5&t={link.token}"
    assert linking.trace_of(session, link.token).message_id == link.message_id


def test_a_link_is_wrapped_once_and_a_full_button_left_alone(session: Session) -> None:
    uri = the_channel(session).liff_url("/t/already")
    assert only(say(session, action(type="uri", label="x", uri=uri)))["uri"] == uri


def test_data_without_room_for_a_token_is_left_alone(session: Session) -> None:
    data = "act=book&x=" + "1" * 285
    assert only(say(session, action(type="postback", label="x", data=data)))["data"] == data


def test_following_twice_in_a_minute_is_one_tap(session: Session) -> None:
    member = make_member(session)
    link = linking.make(session, url="https://example.com", message_id=4, member_id=member.id, now=NOW)
    for _ in range(2):
        linking.follow(session, link.token, now=NOW)
    clicks = session.scalars(select(Event).where(Event.kind == "clicked")).all()
    assert [(each.member_id, each.message_id) for each in clicks] == [(member.id, 4)]


@pytest.mark.parametrize("token", ["", "unknown", "a/b", "\x00", "x" * 300])
def test_an_unknown_token_leads_nowhere(session: Session, token: str) -> None:
    with pytest.raises(NotFound):
        linking.follow(session, token, now=NOW)
    assert linking.trace_of(session, token).message_id is None
