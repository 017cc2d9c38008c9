"""Every message of ours, in every language, is something LINE takes and a phone can show."""

import pkgutil
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from domain import messages
from domain.messages import (
    answer,
    automated,
    booking_cancelled,
    booking_changed,
    booking_confirmed,
    booking_reminder,
    campaign_card,
    coupon_issued,
    opted_in,
    opted_out,
    tier_up,
    waitlist_offered,
    welcome,
)
from domain.messages._parts import Rendered, bubble, flex, link_button
from domain.wording import LANGUAGES
from line.simulator import contract
from models.benefit import Coupon, CouponClaim
from models.member import Member
from models.programme import Tier
from models.store import Booking, WaitlistEntry
from tests.support.factories import make_member, make_slot, make_store
from tests.support.moments import NOW

LONG = "A very long name of a thing that somebody wrote without thinking of small screens " * 3
TEXTS = {
    "title": {"en": "Happy birthday, {name}"},
    "body": {"en": "{coupon}, until {until}."},
    "button": {"en": "Open"},
}


def a_booking(session: Session, member: Member) -> Booking:
    store = make_store(session, address="1 Long Street, a very long way from the station, Taipei")
    slot = make_slot(session, store, starts_at=NOW + timedelta(days=1))
    booking = Booking(
        ref="B1", slot_id=slot.id, store_id=store.id, member_id=member.id, starts_at=slot.starts_at,
        ends_at=slot.ends_at, created_at=NOW, state_at=NOW,
    )  # fmt: skip
    session.add(booking)
    session.flush()
    return booking


def a_wait(session: Session, member: Member) -> WaitlistEntry:
    slot = make_slot(session, make_store(session), starts_at=NOW + timedelta(days=1))
    entry = WaitlistEntry(
        slot_id=slot.id, member_id=member.id, created_at=NOW, offered_until=NOW + timedelta(minutes=15)
    )
    session.add(entry)
    session.flush()
    return entry


def a_claim(session: Session, member: Member) -> CouponClaim:
    coupon = Coupon(key="long", title={"en": LONG})
    session.add(coupon)
    session.flush()
    terms = {"title": {"en": LONG}, "terms": {"en": LONG}}
    claim = CouponClaim(
        ref="C1", coupon_id=coupon.id, member_id=member.id, cause="test", terms=terms, issued_at=NOW,
        expires_at=NOW + timedelta(days=7),
    )  # fmt: skip
    session.add(claim)
    session.flush()
    return claim


def a_tier() -> Tier:
    benefits = {"en": ["Free gift wrapping, all year.", "A birthday gift"]}
    return Tier(key="gold", rank=9, name={"en": "Gold"}, benefits=benefits)


# One example or more of each file; a file without one fails the test below.
EXAMPLES: dict[str, Callable[[Session, Member], list[Rendered]]] = {
    "answer": lambda session, member: [
        answer.render(session, member, "We open at ten."),
        answer.render(session, member, LONG, path="/contact"),
    ],
    "automated": lambda session, member: [
        automated.render(
            session,
            member,
            name="birthday",
            texts=TEXTS,
            url="https://example.com",
            values={"coupon": LONG, "until": "x"},
        )
    ],
    "booking_cancelled": lambda session, member: [
        booking_cancelled.render(session, member, a_booking(session, member), by="staff")
    ],
    "booking_changed": lambda session, member: [
        booking_changed.render(session, member, a_booking(session, member), was=NOW)
    ],
    "booking_confirmed": lambda session, member: [
        booking_confirmed.render(session, member, a_booking(session, member))
    ],
    "booking_reminder": lambda session, member: [
        booking_reminder.render(session, member, a_booking(session, member), when="day_before")
    ],
    "campaign_card": lambda session, member: [
        Rendered("campaign_card", campaign_card.template_of({"title": "New", "text": LONG}, colour="#2f4b3c"))
    ],
    "coupon_issued": lambda session, member: [coupon_issued.render(session, member, a_claim(session, member))],
    "opted_in": lambda session, member: [opted_in.render(session, member)],
    "opted_out": lambda session, member: [opted_out.render(session, member)],
    "tier_up": lambda session, member: [tier_up.render(session, member, tier=a_tier(), until=date(2027, 3, 31))],
    "waitlist_offered": lambda session, member: [waitlist_offered.render(session, member, a_wait(session, member))],
    "welcome": lambda session, member: [
        welcome.render(session, member),
        welcome.render(session, make_member(session, registered=False), is_back=True),
    ],
}
NAMES = sorted(found.name for found in pkgutil.iter_modules(messages.__path__) if not found.name.startswith("_"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", NAMES)
def test_line_takes_it(session: Session, name: str, language: str) -> None:
    assert name in EXAMPLES, f"add an example of domain/messages/{name}.py to EXAMPLES"
    for rendered in EXAMPLES[name](session, make_member(session, language=language)):
        body = {"to": "U" + "0" * 32, "messages": rendered.messages}
        assert contract.sending_problems(body) == []
        assert contract.unknown_properties(body) == []
        assert 1 <= len(rendered.messages) <= 5
        for label in labels(rendered.messages):
            assert 1 <= len(label) <= 20, f"{label!r} does not fit on a button"


@pytest.mark.parametrize("colour", ["#2f4b3c", "#f6e27a", "nonsense"])
def test_a_button_can_be_read_on_any_brands_colour(colour: str) -> None:
    button = link_button("Open", "https://example.com", colour=colour)
    assert button["style"] == ("secondary" if colour == "#f6e27a" else "primary")


def test_empty_words_leave_no_empty_text() -> None:
    made = flex("alt", bubble("", ["", "one"], buttons=[]))
    assert contract.message_problems({"messages": [made]}) == []


def labels(node: Any) -> list[str]:
    if isinstance(node, list):
        return [each for part in node for each in labels(part)]
    if not isinstance(node, dict):
        return []
    own = [node["label"]] if "label" in node else []
    return own + [each for value in node.values() for each in labels(value)]


def test_what_a_person_calls_themselves_is_never_read_as_a_field(session: Session) -> None:
    member = make_member(session, name="{until}")
    texts = {"title": {"en": "For {name}"}, "body": {"en": "Until {until}, {nobody}."}}
    said = automated.render(session, member, name="x", texts=texts, url="https://e.com", values={"until": "May 1"})
    assert "For {until}" in str(said.messages)
    assert "Until May 1, ." in str(said.messages)
