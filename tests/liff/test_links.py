"""A link of a send to many, opened in the mini-app: the tap is the person's, and what follows is traced to the send."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from domain.operations import linking
from models.channel import the_channel
from models.event import Event
from models.session import Sessions
from tests.support.journey import make_campaign
from tests.support.moments import NOW

MEI = "U" + "1" * 32
FORM = {"name": "Mei", "phone": "0912345678", "consent": True}


@pytest.fixture
def campaign(sessions: Sessions) -> tuple[int, str]:
    with sessions.writing() as session:
        made = make_campaign(session, "spring", at=NOW)
        link = linking.make(session, url=the_channel(session).liff_url("/book?store=a"), campaign_id=made.id, now=NOW)
        session.commit()
        return made.id, link.token


def test_the_tap_and_what_follows_belong_to_the_send(phone: Any, sessions: Sessions, campaign: tuple[int, str]) -> None:
    campaign_id, token = campaign
    phone.open_as(MEI)
    assert phone.post(f"/links/{token}").json == {"url": "/liff/book?store=a", "inside": True}
    phone.post("/registration", FORM)
    with sessions.reading() as session:
        traced = {event.kind for event in session.scalars(select(Event).where(Event.campaign_id == campaign_id))}
    assert traced >= {"clicked", "registered", "conversion_completed"}


def test_after_72_hours_the_send_has_no_part_in_it(phone: Any, sessions: Sessions, campaign: tuple[int, str]) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        phone.open_as(MEI)
        phone.post(f"/links/{campaign[1]}")
        clock.shift(timedelta(hours=72, seconds=1))
        phone.open_as(MEI)
        phone.post("/registration", FORM)
    with sessions.reading() as session:
        assert session.scalars(select(Event).where(Event.kind == "registered")).one().campaign_id is None


def test_the_next_person_on_the_phone_takes_no_trace_over(
    phone: Any, sessions: Sessions, campaign: tuple[int, str]
) -> None:
    phone.open_as(MEI)
    phone.post(f"/links/{campaign[1]}")
    phone.open_as("U" + "2" * 32)
    phone.post("/registration", FORM)
    with sessions.reading() as session:
        assert session.scalars(select(Event).where(Event.kind == "registered")).one().campaign_id is None


def test_an_unknown_link_says_so(phone: Any) -> None:
    phone.open_as(MEI)
    answer = phone.post("/links/never-made")
    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
