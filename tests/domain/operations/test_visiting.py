"""A check-in is one visit a day and store, and can be taken back for ten minutes."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.errors import Conflict
from domain.operations import converting, visiting
from models.event import Event
from models.staff import AuditLine
from tests.support.factories import make_member, make_store


def kinds(session, member):
    events = select(Event.kind).where(Event.member_id == member.id, Event.kind != "followed").order_by(Event.id)
    return list(session.scalars(events))


def test_checking_in_twice_on_a_day_is_one_visit(session, now):
    member, store = make_member(session), make_store(session)
    assert visiting.visit(session, member, store, staff_id=None, now=now)
    assert not visiting.visit(session, member, store, staff_id=None, now=now + timedelta(hours=1))
    assert kinds(session, member) == ["visited", "conversion_started", "conversion_completed"]
    assert visiting.visit(session, member, store, staff_id=None, now=now + timedelta(days=1))


def test_another_store_on_the_same_day_is_another_visit(session, now):
    member = make_member(session)
    assert visiting.visit(session, member, make_store(session), staff_id=None, now=now)
    assert visiting.visit(session, member, make_store(session), staff_id=None, now=now)


def test_undo_leaves_no_trace_but_the_audit_and_allows_another_check_in(session, now):
    member, store = make_member(session), make_store(session)
    visiting.visit(session, member, store, staff_id=None, now=now)
    visiting.undo(session, member, store, staff_id=None, now=now + timedelta(minutes=9))
    assert kinds(session, member) == []
    actions = session.scalars(select(AuditLine.action).where(AuditLine.member_id == member.id).order_by(AuditLine.id))
    assert list(actions) == ["checked_in", "undid_check_in"]
    assert visiting.visit(session, member, store, staff_id=None, now=now + timedelta(minutes=10))


def test_undo_keeps_a_start_of_the_persons_own(session, now):
    member, store = make_member(session), make_store(session)
    converting.start(
        session, member_id=member.id, type="check_in", object=f"check_in:{store.key}", source="liff", now=now
    )
    visiting.visit(session, member, store, staff_id=None, now=now)
    visiting.undo(session, member, store, staff_id=None, now=now)
    assert kinds(session, member) == ["conversion_started"]


def test_after_ten_minutes_it_stays(session, now):
    member, store = make_member(session), make_store(session)
    visiting.visit(session, member, store, staff_id=None, now=now)
    with pytest.raises(Conflict, match="ten minutes"):
        visiting.undo(session, member, store, staff_id=None, now=now + timedelta(minutes=11))
