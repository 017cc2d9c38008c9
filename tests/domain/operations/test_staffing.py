"""Guessing a password is counted before it is checked; a link works once; the last owner stays."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from domain.errors import Conflict, Gone, Invalid, TooMany
from domain.operations import staffing
from models.staff import Staff
from tests.support.factories import make_store

MACHINE = datetime(2026, 11, 1, tzinfo=UTC)


def test_many_tries_at_once_do_not_slip_past_the_lock(sessions):
    with sessions.writing() as session:
        session.add(Staff(login="mei", name="Mei", role="owner", created_at=MACHINE))
        session.commit()
    passed, gate = [], threading.Barrier(12)

    def guess():
        gate.wait()
        with sessions.writing() as session:
            try:
                passed.append(staffing.count_try(session, "mei", now=MACHINE))
            except TooMany:
                return
            session.commit()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == staffing.TRIES


def test_a_link_is_for_seven_days(session):
    _, token = staffing.invite(session, login="lin", name="Lin", role="viewer", now=MACHINE)
    assert staffing.invited(session, token, now=MACHINE + timedelta(days=6)).login == "lin"
    with pytest.raises(Gone):
        staffing.invited(session, token, now=MACHINE + timedelta(days=8))


def test_two_people_cannot_sign_in_by_one_name(session):
    staffing.invite(session, login="Lin", name="Lin", role="viewer", now=MACHINE)
    with pytest.raises(Conflict, match="lin is taken"):
        staffing.invite(session, login=" LIN", name="Lin", role="viewer", now=MACHINE)


@pytest.mark.parametrize(("role", "store"), [("boss", None), ("store", None), ("store", "nowhere")])
def test_an_unknown_role_or_store_adds_nobody(session, role, store):
    with pytest.raises(Invalid):
        staffing.invite(session, login="lin", name="Lin", role=role, store_key=store, now=MACHINE)


def test_store_staff_belong_to_their_store_and_others_to_none(session):
    store = make_store(session)
    lin, _ = staffing.invite(session, login="lin", name="", role="store", store_key=store.key, now=MACHINE)
    ann, _ = staffing.invite(session, login="ann", name="Ann", role="viewer", store_key=store.key, now=MACHINE)
    assert (lin.store_id, lin.name, ann.store_id) == (store.id, "lin", None)


def test_the_last_owner_keeps_access(session):
    one, _ = staffing.invite(session, login="one", name="One", role="owner", now=MACHINE)
    two, _ = staffing.invite(session, login="two", name="Two", role="owner", now=MACHINE)
    staffing.disable(session, two, by_id=None, now=MACHINE)
    session.flush()
    with pytest.raises(Conflict, match="last owner"):
        staffing.disable(session, one, by_id=None, now=MACHINE)


@pytest.mark.parametrize("password", ["short", "", "1234567890a"])
def test_a_weak_password_is_refused(password):
    with pytest.raises(Invalid):
        staffing.set_password(Staff(login="1234567890a", name="x", role="owner"), password)
