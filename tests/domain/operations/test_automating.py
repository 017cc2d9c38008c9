"""Automations reach the right people at the right moment, once, and say what became of each."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import automating, programme
from domain.operations.holding_out import is_held_out
from models.automation import Automation, Enrolment
from models.benefit import CouponClaim
from models.campaign import Recipient
from models.member import Member
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.store import Booking
from tests.support.factories import make_member, make_purchase, make_slot, make_store

PRESET = Path(programme.__file__).parents[2] / "presets" / "taiwan.yaml"


@pytest.fixture
def brand(session: Session) -> None:
    """The Taiwan programme, switched on on 1 January, with nobody held out unless a test says so."""
    data = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    for automation in data["automations"]:
        automation["holdout_percent"] = 0
    programme.apply(session, programme.read(data), by="test", now=local(session, date(2026, 1, 1)))


def local(session: Session, day: date, hour: int = 12) -> datetime:
    return calendar_of(session).start(day) + timedelta(hours=hour)


def run(session: Session, now: datetime) -> None:
    for automation in session.scalars(select(Automation).where(Automation.enabled_at.is_not(None))):
        automating.enrol(session, automation, now=now)
    while automating.act(session, now=now):
        pass


def said(session: Session, member: Member) -> list[str]:
    rows = select(OutgoingMessage.name).where(OutgoingMessage.member_id == member.id).order_by(OutgoingMessage.id)
    return list(session.scalars(rows))


def enrolment(session: Session, member: Member, key: str) -> Enrolment | None:
    return session.scalar(
        select(Enrolment).join(Automation).where(Enrolment.member_id == member.id, Automation.key == key)
    )


def test_a_birthday_gift_comes_once_on_the_first_of_the_month(session: Session, brand: None) -> None:
    mei = make_member(session, birth_date=date(1990, 2, 28), birth_month=2, birth_day=28)
    leap = make_member(session, birth_date=date(1992, 2, 29), birth_month=2, birth_day=29)
    other = make_member(session, birth_date=date(1990, 7, 1), birth_month=7, birth_day=1)
    run(session, local(session, date(2026, 1, 31)))
    assert said(session, mei) == []
    run(session, local(session, date(2026, 2, 1)))
    run(session, local(session, date(2026, 2, 1), 13))
    run(session, local(session, date(2026, 2, 15)))
    assert (said(session, mei), said(session, leap), said(session, other)) == (["birthday"], ["birthday"], [])
    claims = session.scalars(select(CouponClaim).where(CouponClaim.member_id == mei.id)).all()
    assert len(claims) == 1
    run(session, local(session, date(2027, 2, 1)))
    assert said(session, mei) == ["birthday", "birthday"]


def test_a_night_that_was_missed_is_made_up(session: Session, brand: None) -> None:
    mei = make_member(session, birth_date=date(1990, 2, 3), birth_month=2, birth_day=3)
    run(session, local(session, date(2026, 1, 31)))
    run(session, local(session, date(2026, 2, 1), 9) + timedelta(days=1, hours=20))
    assert said(session, mei) == ["birthday"]


def test_thirty_days_of_silence_bring_one_coupon_until_the_next_purchase(session: Session, brand: None) -> None:
    mei = make_member(session)
    make_purchase(session, mei, paid_at=local(session, date(2026, 1, 10)), amount=800)
    run(session, local(session, date(2026, 2, 8)))
    assert said(session, mei) == []
    run(session, local(session, date(2026, 2, 9)))
    run(session, local(session, date(2026, 2, 10)))
    assert said(session, mei) == ["win_back"]
    claim = session.scalars(select(CouponClaim).where(CouponClaim.member_id == mei.id)).one()
    assert claim.expires_at == calendar_of(session).last_second(date(2026, 2, 16))
    make_purchase(session, mei, paid_at=local(session, date(2026, 2, 20)), amount=800)
    for day in (date(2026, 3, 21), date(2026, 3, 22)):
        run(session, local(session, day))
    assert said(session, mei).count("win_back") == 2


def test_whoever_was_silent_before_it_was_switched_on_does_not_enter(session: Session, brand: None) -> None:
    old = make_member(session)
    make_purchase(session, old, paid_at=local(session, date(2025, 11, 1)), amount=800)
    run(session, local(session, date(2026, 1, 2)))
    assert enrolment(session, old, "win_back_30") is None


def test_the_hold_out_keeps_back_the_message_but_never_the_promised_gift(session: Session, brand: None) -> None:
    automation = session.scalars(select(Automation).where(Automation.key == "birthday")).one()
    automation.holdout_percent = 50
    people = [make_member(session, birth_month=2, birth_day=1) for _ in range(40)]
    run(session, local(session, date(2026, 2, 1)))
    salt = the_brand(session).salt
    held = {each.id for each in people if is_held_out(each.id, programme="birthday", salt=salt, percent=50)}
    assert 0 < len(held) < 40
    assert {each.id for each in people if not said(session, each)} == held
    assert session.scalar(select(func.count()).select_from(CouponClaim)) == 40
    rows = session.execute(select(Recipient.state, func.count()).group_by(Recipient.state)).tuples()
    assert dict(rows.all()) == {"held_out": len(held), "ready": 40 - len(held)}


def test_who_is_not_written_to_has_a_reason(session: Session, brand: None) -> None:
    refused = make_member(session, birth_month=2, birth_day=1, marketing_consent=False)
    stranger = make_member(session, birth_month=2, birth_day=1, friend=False)
    run(session, local(session, date(2026, 2, 1)))
    reasons = {row.member_id: (row.state, row.reason) for row in session.scalars(select(Recipient))}
    assert reasons == {refused.id: ("withheld", "opted_out"), stranger.id: ("withheld", "no_line_id")}


def test_a_coupon_about_to_end_is_mentioned_once_unless_used(session: Session, brand: None) -> None:
    mei, used = make_member(session), make_member(session)
    for member in (mei, used):
        make_purchase(session, member, paid_at=local(session, date(2026, 1, 10)), amount=800)
    run(session, local(session, date(2026, 2, 9)))
    claim = session.scalars(select(CouponClaim).where(CouponClaim.member_id == used.id)).one()
    claim.redeemed_at = local(session, date(2026, 2, 10))
    session.flush()
    run(session, local(session, date(2026, 2, 13), 9))
    assert said(session, mei) == ["win_back"]
    run(session, local(session, date(2026, 2, 13), 10))
    run(session, local(session, date(2026, 2, 14), 10))
    assert (said(session, mei), said(session, used)) == (["win_back", "coupon_expiring"], ["win_back"])


def book(session: Session, member: Member, starts_at: datetime, made_at: datetime) -> Booking:
    store = make_store(session)
    slot = make_slot(session, store, starts_at=starts_at)
    booking = Booking(
        ref=f"B{member.id}", slot_id=slot.id, store_id=store.id, member_id=member.id, starts_at=starts_at,
        ends_at=slot.ends_at, created_at=made_at, state_at=made_at,
    )  # fmt: skip
    session.add(booking)
    session.flush()
    return booking


def test_a_visit_is_reminded_the_day_before_and_on_the_day(session: Session, brand: None) -> None:
    mei = make_member(session, marketing_consent=False)
    book(session, mei, local(session, date(2026, 2, 10), 15), made_at=local(session, date(2026, 2, 5)))
    run(session, local(session, date(2026, 2, 9), 17))
    assert said(session, mei) == []
    run(session, local(session, date(2026, 2, 9), 18))
    run(session, local(session, date(2026, 2, 10), 11))
    assert said(session, mei) == ["booking_reminder"]
    run(session, local(session, date(2026, 2, 10), 12))
    run(session, local(session, date(2026, 2, 10), 13))
    assert said(session, mei) == ["booking_reminder", "booking_reminder"]


def test_who_books_late_or_cancels_is_not_reminded(session: Session, brand: None) -> None:
    late, gone = make_member(session), make_member(session)
    starts = local(session, date(2026, 2, 10), 15)
    book(session, late, starts, made_at=local(session, date(2026, 2, 10), 13))
    cancelled = book(session, gone, starts, made_at=local(session, date(2026, 2, 1)))
    cancelled.state = "cancelled"
    session.flush()
    for hour in (13, 14):
        run(session, local(session, date(2026, 2, 10), hour))
    assert (said(session, late), said(session, gone)) == ([], [])


def test_running_twice_says_nothing_twice(session: Session, brand: None) -> None:
    mei = make_member(session, birth_month=2, birth_day=1)
    automation = session.scalars(select(Automation).where(Automation.key == "birthday")).one()
    run(session, local(session, date(2026, 2, 1)))
    automation.last_good_run = automation.enabled_at
    run(session, local(session, date(2026, 2, 1)))
    assert said(session, mei) == ["birthday"]
