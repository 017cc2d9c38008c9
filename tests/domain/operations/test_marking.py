"""Who is a test person or one of the staff is said by hand, with a line in the audit, and leaves every figure."""

import pytest
from sqlalchemy import select

from domain.errors import Conflict
from domain.operations import marking
from domain.operations.segmenting import people_in
from domain.rules import context_of
from models.staff import AuditLine
from tests.support.factories import make_member


def test_marked_people_leave_audiences_and_come_back(session, now):
    member = make_member(session)
    everyone = people_in({"condition": "registered"}, context_of(session, now))
    assert member.id in session.scalars(everyone).all()
    for marks in ({"is_test": True, "is_staff": False}, {"is_test": False, "is_staff": True}):
        marking.set_marks(session, member, **marks, staff_id=None, now=now)
        assert member.id not in session.scalars(everyone).all()
    marking.set_marks(session, member, is_test=False, is_staff=False, staff_id=None, now=now)
    assert member.id in session.scalars(everyone).all()


def test_each_change_is_audited_once(session, now):
    member = make_member(session)
    for _ in range(2):
        marking.set_marks(session, member, is_test=True, is_staff=False, staff_id=None, now=now)
    lines = session.scalars(select(AuditLine).where(AuditLine.member_id == member.id)).all()
    assert [(line.action, line.data) for line in lines] == [("marked", {"test": True, "staff": False})]


def test_who_is_gone_is_not_marked(session, now):
    member = make_member(session, erased_at=now)
    with pytest.raises(Conflict):
        marking.set_marks(session, member, is_test=True, is_staff=False, staff_id=None, now=now)
