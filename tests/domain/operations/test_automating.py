"""Automations reach the right people at the right moment, once, and say what became of each."""

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import automating, programme
from domain.operations.holding_out import is_held_out
from domain.operations.importing_events import EventRow, import_events
from domain.operations.importing_purchases import PurchaseRow, import_purchases
from domain.operations.purchasing import Line
from domain.operations.recording import record
from models.automation import Automation, Enrolment
from models.benefit import CouponClaim
from models.campaign import Recipient
from models.member import Member
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.store import Booking
from tests.support.factories import make_coupon, make_member, make_purchase, make_slot, make_store, make_tag
from tests.support.retagging import retag as retag_now

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
    rows = session.execute(select(Recipient.state, func.count()).group_by(Recipient.state))
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


def switch_on(session: Session, key: str, now: datetime, **fields: Any) -> Automation:
    """An automation of the test's own, switched on."""
    values: dict[str, Any] = {
        "name": {"en": key}, "holdout_percent": 0, "wait": {}, "rule": None, "actions": [TELL],
    }  # fmt: skip
    row = Automation(key=key, **{**values, **fields})
    session.add(row)
    session.flush()
    automating.enable(session, row, now=now)
    return row


TELL = {"do": "say", "message": "told", "texts": {"title": {"en": "Hello"}, "body": {"en": "x"}, "button": {}}}
BIG = {"on": "rule_holds", "rule": {"condition": "spent", "amount": 5000, "days": 30}}


def spend(session: Session, member: Member, day: date, amount: int = 6000) -> None:
    make_purchase(session, member, paid_at=local(session, day, 9), amount=amount)


def test_whoever_a_rule_held_for_before_stays_outside_however_long_it_holds(session: Session) -> None:
    old, new = make_member(session), make_member(session)
    spend(session, old, date(2025, 12, 30))
    switch_on(session, "big", local(session, date(2026, 1, 1)), trigger=BIG, reentry_days=7)
    for day in range(2, 26):
        if day % 10 == 0:
            spend(session, old, date(2026, 1, day))
        if day == 5:
            spend(session, new, date(2026, 1, day))
        run(session, local(session, date(2026, 1, day)))
    assert (said(session, old), said(session, new)) == ([], ["told"])


def test_a_rule_that_stopped_holding_and_holds_again_is_news_again_after_the_days_between(session: Session) -> None:
    mei, ken = make_member(session), make_member(session)
    spend(session, ken, date(2025, 12, 20))
    switch_on(session, "big", local(session, date(2026, 1, 1)), trigger=BIG, reentry_days=60)
    spend(session, mei, date(2026, 1, 2))
    run(session, local(session, date(2026, 1, 2)))
    run(session, local(session, date(2026, 2, 10)))  # no longer so, of either
    spend(session, mei, date(2026, 2, 11))
    spend(session, ken, date(2026, 2, 11))
    run(session, local(session, date(2026, 2, 11)))
    assert (said(session, mei), said(session, ken)) == (["told"], ["told"])  # she was in it 40 days ago
    for day in (date(2026, 3, 10), date(2026, 3, 20), date(2026, 4, 20)):
        run(session, local(session, day))
    assert said(session, mei) == ["told"]  # it became so too soon, and has not become so since
    spend(session, mei, date(2026, 4, 21))
    run(session, local(session, date(2026, 4, 21)))
    assert said(session, mei) == ["told", "told"]


def test_another_rule_begins_with_whoever_comes_to_fulfil_it(session: Session, brand: None) -> None:
    was, becomes = make_member(session), make_member(session)
    spend(session, was, date(2026, 1, 1), 3000)
    data = yaml.safe_load(PRESET.read_text(encoding="utf-8"))
    mine = {"key": "big", "name": {"en": "Big"}, "trigger": BIG, "actions": [TELL], "holdout_percent": 0}
    data["automations"].append(mine)
    programme.apply(session, programme.read(data), by="test", now=local(session, date(2026, 1, 2)))
    run(session, local(session, date(2026, 1, 3)))
    mine["trigger"] = {"on": "rule_holds", "rule": {"condition": "spent", "amount": 2000, "days": 30}}
    programme.apply(session, programme.read(data), by="test", now=local(session, date(2026, 1, 4)))
    run(session, local(session, date(2026, 1, 5)))
    spend(session, becomes, date(2026, 1, 6), 3000)
    run(session, local(session, date(2026, 1, 6)))
    assert (said(session, was), said(session, becomes)) == ([], ["told"])


def test_what_an_import_makes_true_lets_nobody_in(session: Session) -> None:
    told, lives = make_member(session), make_member(session)
    on = local(session, date(2026, 1, 1))
    switch_on(session, "big", on, trigger=BIG)
    switch_on(session, "seen", on, trigger={"on": "after_event", "event": "visited"})
    switch_on(session, "tagged", on, trigger={"on": "after_event", "event": "tagged"})
    at = local(session, date(2026, 1, 2))
    make_tag(session, "big", rule=BIG["rule"])
    line = PurchaseRow("O-file", told.ref, at - timedelta(hours=3), "", "", Line(1, "T1", 600_000))
    import_purchases(session, [line], source="import", is_history=True, now=at)
    visit = EventRow("visited", told.ref, at - timedelta(hours=3), "file")
    import_events(session, [visit], is_history=True, now=at)
    spend(session, lives, date(2026, 1, 2), 600_000)
    import_events(session, [EventRow("visited", lives.ref, at - timedelta(hours=3), "till")], now=at)
    retag_now(session, now=at)
    for hour in (12, 13, 72):
        run(session, local(session, date(2026, 1, 2), hour))
    assert said(session, told) == []
    assert said(session, lives) == ["told"] * 3


def test_what_waited_or_was_queued_when_it_was_switched_off_is_never_sent(session: Session) -> None:
    waits, queued = make_member(session), make_member(session)
    key = {"trigger": BIG, "wait": {"days": 3}}
    row = switch_on(session, "big", local(session, date(2026, 1, 1)), **key)
    spend(session, queued, date(2026, 1, 2))
    run(session, local(session, date(2026, 1, 2)))
    run(session, local(session, date(2026, 1, 5)))
    assert said(session, queued) == ["told"]
    spend(session, waits, date(2026, 1, 6))
    run(session, local(session, date(2026, 1, 6)))
    automating.disable(session, row)
    message = session.scalars(select(OutgoingMessage).where(OutgoingMessage.member_id == queued.id)).one()
    recipient = session.get_one(Recipient, message.recipient_id)
    for each in (message, recipient):
        session.refresh(each)
    assert (message.state, recipient.state, recipient.reason) == ("cancelled", "withheld", "switched_off")
    automating.enable(session, row, now=local(session, date(2026, 1, 20)))
    run(session, local(session, date(2026, 1, 21)))
    assert said(session, waits) == []
    left = enrolment(session, waits, "big")
    assert left is not None
    assert (left.state, left.reason) == ("left", "switched_off")


def test_one_case_that_goes_wrong_stops_no_other(session: Session) -> None:
    at = local(session, date(2026, 1, 2))
    both = [TELL, {"do": "tag", "tag": "gone"}]
    switch_on(session, "broken", local(session, date(2026, 1, 1)), trigger=BIG, actions=both)
    switch_on(session, "sound", local(session, date(2026, 1, 1)), trigger=BIG)
    mei = make_member(session)
    spend(session, mei, date(2026, 1, 2))
    run(session, at)
    broken, sound = enrolment(session, mei, "broken"), enrolment(session, mei, "sound")
    assert broken is not None
    assert sound is not None
    assert (broken.state, broken.reason, sound.state) == ("failed", "NoResultFound", "done")
    assert said(session, mei) == ["told"]  # the broken one said nothing: all of it or nothing


def test_several_gifts_and_messages_are_each_given_once(session: Session) -> None:
    coupons = [make_coupon(session, each) for each in ("tea", "cup")]
    gifts = [{"do": "grant", "benefit": {"coupon": each.key}} for each in coupons]
    switch_on(session, "big", local(session, date(2026, 1, 1)), trigger=BIG, actions=[*gifts, TELL, TELL])
    mei = make_member(session)
    spend(session, mei, date(2026, 1, 2))
    run(session, local(session, date(2026, 1, 2)))
    assert said(session, mei) == ["told", "told"]
    assert session.scalar(select(func.count()).select_from(CouponClaim)) == 2


def test_a_message_does_not_promise_a_coupon_that_has_run_out(session: Session) -> None:
    make_coupon(session, "tea", stock=1)
    gift = {"do": "grant", "benefit": {"coupon": "tea"}}
    on = local(session, date(2026, 1, 1))
    switch_on(session, "big", on, trigger=BIG, actions=[gift, TELL])
    mei, ken = make_member(session), make_member(session)
    for member in (mei, ken):
        spend(session, member, date(2026, 1, 2))
    run(session, local(session, date(2026, 1, 2)))
    lucky, late = (mei, ken) if said(session, mei) else (ken, mei)
    assert (said(session, lucky), said(session, late)) == (["told"], [])
    case = enrolment(session, late, "big")
    recipient = session.scalars(select(Recipient).where(Recipient.member_id == late.id)).one()
    assert case is not None
    assert (case.state, case.reason, recipient.state) == ("withheld", "sold_out", "withheld")
    switch_on(session, "anyway", local(session, date(2026, 1, 1)), trigger=BIG, actions=[
        {**gift, "optional": True}, TELL,
    ])  # fmt: skip
    ann = make_member(session)
    spend(session, ann, date(2026, 1, 3))
    run(session, local(session, date(2026, 1, 3)))
    assert said(session, ann) == ["told"]


@pytest.mark.parametrize(
    ("starts", "moments"),
    [
        (11, [(9, 18)]),  # three hours before is in the quiet hours: the evening before has spoken already
        (15, [(9, 18), (10, 12)]),
    ],
)
def test_an_early_visit_is_not_reminded_in_the_quiet_hours(
    session: Session, brand: None, starts: int, moments: list[tuple[int, int]]
) -> None:
    mei = make_member(session)
    book(session, mei, local(session, date(2026, 2, 10), starts), made_at=local(session, date(2026, 2, 5)))
    heard: list[tuple[int, int]] = []
    for day, hour in [(9, 17), (9, 18), (9, 21), (10, 8), (10, 9), (10, 12)]:
        before = len(said(session, mei))
        run(session, local(session, date(2026, 2, day), hour))
        heard += [(day, hour)] * (len(said(session, mei)) - before)
    assert heard == moments


def test_only_a_same_day_reminder_of_an_early_visit_comes_the_evening_before(session: Session, brand: None) -> None:
    automating.disable(session, session.scalars(select(Automation).where(Automation.key == "booking_day_before")).one())
    mei = make_member(session)
    book(session, mei, local(session, date(2026, 2, 10), 11), made_at=local(session, date(2026, 2, 5)))
    run(session, local(session, date(2026, 2, 9), 20))
    assert said(session, mei) == []
    run(session, local(session, date(2026, 2, 9), 20) + timedelta(minutes=59))
    message = session.scalars(select(OutgoingMessage).where(OutgoingMessage.member_id == mei.id)).one()
    assert "Your visit is tomorrow" in str(message.messages)


def test_the_birthday_coupon_ends_with_the_month(session: Session, brand: None) -> None:
    mei = make_member(session, birth_month=2, birth_day=20)
    run(session, local(session, date(2026, 2, 1)))
    claim = session.scalars(select(CouponClaim).where(CouponClaim.member_id == mei.id)).one()
    assert claim.expires_at == calendar_of(session).last_second(date(2026, 2, 28))


def test_silence_counts_whatever_was_the_last_sign(session: Session) -> None:
    bought, wrote, bought_later, wrote_later = (make_member(session) for _ in range(4))
    for member in (bought, bought_later, wrote_later):
        spend(session, member, date(2026, 1, 5))
    record(session, "texted", member_id=wrote.id, source="line", now=local(session, date(2026, 1, 5)))
    spend(session, bought_later, date(2026, 1, 20))
    record(session, "texted", member_id=wrote_later.id, source="line", now=local(session, date(2026, 1, 20)))
    silence = {"on": "days_since", "last": "activity", "days": 30}
    switch_on(session, "silent", local(session, date(2026, 1, 10)), trigger=silence)
    run(session, local(session, date(2026, 2, 4)))
    heard = [bool(said(session, each)) for each in (bought, wrote, bought_later, wrote_later)]
    assert heard == [True, True, False, False]
