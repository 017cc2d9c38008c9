"""A phone becomes verified by staff or by a code, and never takes one away from somebody else."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.errors import Conflict, Invalid, TooMany
from domain.operations import verifying
from models.member import Identity
from models.staff import AuditLine, Staff
from tests.support.factories import make_member, make_purchase

PHONE, E164 = "0912 345 678", "+886912345678"


@pytest.fixture
def staff(session, now):
    row = Staff(login="s", name="S", role="owner", created_at=now)
    session.add(row)
    session.flush()
    return row


def owner_of(session):
    verified = select(Identity.member_id).where(Identity.value == E164, Identity.verified_at.is_not(None))
    return session.scalar(verified)


def test_staff_who_saw_the_phone_verify_it(session, staff, now):
    member = make_member(session)
    for _ in range(2):
        verifying.confirm_phone(session, member, phone=PHONE, staff_id=staff.id, how="seen", now=now)
    assert (owner_of(session), member.phone) == (member.id, E164)
    assert session.scalars(select(AuditLine.action)).first() == "verified_phone"


def test_a_phone_of_somebody_else_is_refused_and_nobody_is_merged(session, staff, now):
    first, second = make_member(session), make_member(session, phone=E164)
    verifying.confirm_phone(session, first, phone=PHONE, staff_id=staff.id, how="seen", now=now)
    with pytest.raises(Conflict, match="another record"):
        verifying.confirm_phone(session, second, phone=PHONE, staff_id=staff.id, how="seen", now=now)
    assert owner_of(session) == first.id
    assert second.merged_into_id is None


def test_orders_made_under_the_phone_before_become_theirs(session, staff, now):
    order = make_purchase(session, None, paid_at=now - timedelta(days=9), amount=500, buyer_ref=E164)
    member = make_member(session)
    verifying.confirm_phone(session, member, phone=PHONE, staff_id=staff.id, how="seen", now=now)
    session.refresh(order)
    assert order.member_id == member.id


def test_a_code_works_once_and_only_for_the_one_it_was_sent_for(session, staff, now):
    member, other = make_member(session), make_member(session)
    number, code = verifying.begin_code(session, member, phone=PHONE, staff_id=staff.id, now=now)
    assert number == E164
    assert verifying.use_code(session, other, code=code, now=now) is None
    assert verifying.use_code(session, member, code=code, now=now) == E164
    assert verifying.use_code(session, member, code=code, now=now) is None


def test_a_code_ends_after_ten_minutes_or_five_tries(session, staff, now):
    member = make_member(session)
    _, code = verifying.begin_code(session, member, phone=PHONE, staff_id=staff.id, now=now)
    assert verifying.use_code(session, member, code=code, now=now + timedelta(minutes=11)) is None
    _, code = verifying.begin_code(session, member, phone=PHONE, staff_id=staff.id, now=now)
    for _ in range(5):
        assert verifying.use_code(session, member, code="nope", now=now) is None
    assert verifying.use_code(session, member, code=code, now=now) is None


def test_a_new_code_ends_the_old_one_and_three_an_hour_are_enough(session, staff, now):
    member = make_member(session)
    _, old = verifying.begin_code(session, member, phone=PHONE, staff_id=staff.id, now=now)
    later = now + timedelta(minutes=1)
    _, new = verifying.begin_code(session, member, phone=PHONE, staff_id=staff.id, now=later)
    assert old == new or verifying.use_code(session, member, code=old, now=later) is None
    assert verifying.use_code(session, member, code=new, now=later) == E164
    verifying.begin_code(session, member, phone=PHONE, staff_id=staff.id, now=later)
    with pytest.raises(TooMany):
        verifying.begin_code(session, member, phone=PHONE, staff_id=staff.id, now=later)


def test_what_is_no_phone_is_refused(session, staff, now):
    with pytest.raises(Invalid, match="whole phone number"):
        verifying.confirm_phone(session, make_member(session), phone="12", staff_id=staff.id, how="seen", now=now)
