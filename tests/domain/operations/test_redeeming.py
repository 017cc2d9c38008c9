"""Using a coupon at the counter: once, with its visit; undone within ten minutes."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Gone, NotFound
from domain.operations import claiming, redeeming
from models.benefit import CouponClaim
from models.event import Event
from models.staff import AuditLine
from tests.support.factories import make_coupon, make_member, make_store


def make_claim(session: Session, now: datetime) -> CouponClaim:
    return claiming.claim(session, make_member(session), make_coupon(session).key, now=now)


def journey(session: Session, member_id: int) -> list[str]:
    rows = select(Event.kind).where(Event.member_id == member_id, Event.kind.in_(("coupon_redeemed", "visited")))
    return sorted(session.scalars(rows))


def test_a_coupon_is_used_once_and_counts_as_a_visit(session: Session, now: datetime) -> None:
    made, store = make_claim(session, now), make_store(session, name="Da'an")

    used = redeeming.redeem(session, made.ref, staff_id=None, store_id=store.id, order_ref="A1", now=now)

    assert (used.redeemed_at, used.store_id, used.order_ref) == (now, store.id, "A1")
    assert journey(session, made.member_id) == ["coupon_redeemed", "visited"]
    with pytest.raises(Conflict, match="used on 03/10 12:00 at Da'an"):
        redeeming.redeem(session, made.ref, staff_id=None, store_id=store.id, now=now)


def test_an_undo_within_ten_minutes_leaves_only_the_audit(session: Session, now: datetime) -> None:
    made = make_claim(session, now)
    redeeming.redeem(session, made.ref, staff_id=None, store_id=None, now=now)

    undone = redeeming.undo(session, made.ref, staff_id=None, now=now + timedelta(minutes=10))
    redeeming.undo(session, made.ref, staff_id=None, now=now + timedelta(minutes=10))

    assert undone.redeemed_at is None
    assert journey(session, made.member_id) == []
    actions = session.scalars(select(AuditLine.action).where(AuditLine.member_id == made.member_id))
    assert sorted(actions) == ["redeemed_coupon", "undid_redeeming"]
    assert redeeming.redeem(session, made.ref, staff_id=None, store_id=None, now=now + timedelta(minutes=11))
    assert journey(session, made.member_id) == ["coupon_redeemed", "visited"]


def test_after_ten_minutes_it_stays_used(session: Session, now: datetime) -> None:
    made = make_claim(session, now)
    redeeming.redeem(session, made.ref, staff_id=None, store_id=None, now=now)
    with pytest.raises(Conflict, match="more than ten minutes ago"):
        redeeming.undo(session, made.ref, staff_id=None, now=now + timedelta(minutes=11))


def test_an_expired_coupon_and_an_unknown_code_are_refused(session: Session, now: datetime) -> None:
    made = make_claim(session, now)
    with pytest.raises(Gone, match="has expired"):
        redeeming.redeem(session, made.ref, staff_id=None, store_id=None, now=now + timedelta(days=9))
    with pytest.raises(NotFound):
        redeeming.redeem(session, "C-unknown", staff_id=None, store_id=None, now=now)
