"""Becoming a member, at the counter or in the mini-app, and deciding about marketing."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.operations import conversing, joining
from models.event import Event
from models.member import Identity, Member
from models.outbox import OutgoingMessage
from models.programme import Tier, TierLine, the_brand
from tests.support.factories import make_member

FIELDS = {"name": "Mei", "consent": False, "consent_wording": "I agree.", "method": "counter"}


@pytest.fixture
def newcomer(session: Session) -> Member:
    return make_member(session, registered=False, name=None)


def test_a_new_member_stands_on_the_first_step(session: Session, newcomer: Member, now: datetime) -> None:
    session.add(Tier(key="regular", rank=0, name={"en": "Regular"}))
    session.flush()
    assert joining.register(session, newcomer, phone="0912-345-678", now=now, **FIELDS)
    line = session.scalars(select(TierLine)).one()
    assert (line.member_id, line.reason, newcomer.tier_id) == (newcomer.id, "joined", line.tier_id)
    assert not joining.register(session, newcomer, phone="0987654321", now=now, **FIELDS)
    assert newcomer.phone == "+886912345678"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"phone": None}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"phone": None, "email": "no at"}, "email"),
        ({"name": " \t"}, "name"),
        ({"name": "…"}, "name"),
        ({"birth_date": date(2026, 3, 11)}, "birth"),
        ({"birth_date": date(1850, 1, 1)}, "birth"),
    ],
)
def test_what_cannot_be_right_names_its_field(
    session: Session, newcomer: Member, now: datetime, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        joining.register(session, newcomer, **{"phone": "0912345678", **FIELDS, **changes}, now=now)
    assert refused.value.values["field"] == field


def test_a_verified_phone_of_another_is_neither_taken_nor_told(
    session: Session, newcomer: Member, now: datetime
) -> None:
    owner = make_member(session)
    session.add(Identity(member_id=owner.id, kind="phone", value="+886912345678", created_at=now, verified_at=now))
    session.flush()
    assert joining.register(session, newcomer, phone="0912345678", now=now, **FIELDS)
    claimed = session.scalars(select(Identity).where(Identity.kind == "phone").order_by(Identity.id)).all()
    assert [(each.member_id, bool(each.verified_at)) for each in claimed] == [(owner.id, True), (newcomer.id, False)]


def test_a_birthday_is_given_once(session: Session, now: datetime) -> None:
    member = make_member(session)
    joining.set_birth_date(session, member, date(1992, 2, 29), now=now)
    assert (member.birth_month, member.birth_day) == (2, 29)
    with pytest.raises(Invalid):
        joining.set_birth_date(session, member, date(1993, 1, 1), now=now)


def test_the_programmes_own_consent_wording_is_what_is_shown(session: Session, now: datetime) -> None:
    brand = the_brand(session)
    assert brand.name in joining.consent_wording(brand, "en")
    brand.wording = {"consent": {"en": "Yes, write to me.", "ja": "はい"}}
    assert joining.consent_wording(brand, "ja") == "はい"
    assert joining.consent_wording(brand, "th") == "Yes, write to me."


def test_changing_ones_mind_is_kept_word_for_word(session: Session, now: datetime) -> None:
    member = make_member(session)
    joining.decide(session, member, agrees=False, wording="no more", source="liff", now=now)
    assert member.marketing_consent is False
    refused = session.scalars(select(Event).where(Event.kind == "refused")).one()
    assert refused.data == {"wording": "no more", "topic": "marketing"}


STOP, START = "停止", "開始"


def wrote(session: Session, member: Member, words: str, *, at: datetime, now: datetime) -> None:
    turn = conversing.Turn(event_id=f"{words}{at}", member=member, at=at)
    conversing.hear(session, turn, text=words, message_id=None, now=now)


def test_the_word_said_last_holds_whatever_comes_last(session: Session, now: datetime) -> None:
    member = make_member(session)
    early, late = now - timedelta(minutes=10), now - timedelta(minutes=5)
    wrote(session, member, STOP, at=late, now=now)
    wrote(session, member, START, at=early, now=now + timedelta(minutes=1))
    assert (member.marketing_consent, member.marketing_consent_at) == (False, late)
    said = session.scalars(select(OutgoingMessage.name).where(OutgoingMessage.member_id == member.id)).all()
    assert said == ["opted_out"]
    moments = dict(session.execute(select(Event.kind, Event.occurred_at).where(Event.kind != "followed")).all())
    assert moments["consented"] == early
    wrote(session, member, START, at=now, now=now)
    assert member.marketing_consent is True


def test_a_refusal_in_the_chat_bears_the_moment_of_its_text(session: Session, now: datetime) -> None:
    member, at = make_member(session), now - timedelta(seconds=90)
    wrote(session, member, STOP, at=at, now=now)
    moments = dict(session.execute(select(Event.kind, Event.occurred_at).where(Event.kind != "followed")).all())
    assert moments == {"texted": at, "refused": at}


def test_a_clock_ahead_of_ours_does_not_make_the_next_word_look_old(session: Session, now: datetime) -> None:
    member = make_member(session)
    wrote(session, member, START, at=now + timedelta(seconds=30), now=now)
    joining.decide(session, member, agrees=False, wording="no more", source="liff", now=now + timedelta(seconds=10))
    assert member.marketing_consent is False
