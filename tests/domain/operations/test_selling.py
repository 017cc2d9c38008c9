"""A purchase at the counter counts once, and not at all when it is taken back."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain.errors import Conflict, Invalid
from domain.operations import selling
from models.event import Event
from models.purchase import Purchase, PurchaseLine
from models.staff import Staff
from tests.support.factories import make_member, make_store


@pytest.fixture
def counter(session, now):
    staff = Staff(login="s", name="S", role="store", created_at=now)
    session.add(staff)
    session.flush()
    return {"store": make_store(session), "staff_id": staff.id}


def sell(session, member, counter, *, amount="1,200", order_ref="C1", now):
    return selling.sell(
        session, member, counter["store"], amount=amount, order_ref=order_ref, staff_id=counter["staff_id"], now=now
    )


def visits(session, member):
    query = select(func.count()).where(Event.kind == "visited", Event.member_id == member.id)
    return session.scalar(query)


def test_a_sale_counts_and_is_a_visit_even_when_the_form_is_sent_twice(session, counter, now):
    member = make_member(session)
    assert sell(session, member, counter, now=now).net_amount == 1200
    sell(session, member, counter, now=now)
    assert session.scalar(select(func.count(PurchaseLine.id))) == 1
    assert visits(session, member) == 1


@pytest.mark.parametrize("amount", ["", "0", "-5", "abc", "nan"])
def test_what_is_no_amount_is_refused(session, counter, now, amount):
    with pytest.raises(Invalid, match="above 0"):
        sell(session, make_member(session), counter, amount=amount, now=now)


def test_an_order_number_of_someone_else_is_refused(session, counter, now):
    sell(session, make_member(session), counter, now=now)
    with pytest.raises(Conflict, match="already known"):
        sell(session, make_member(session), counter, now=now)


def test_taking_back_leaves_nothing_bought_and_no_visit(session, counter, now):
    member = make_member(session)
    sell(session, member, counter, now=now)
    for _ in range(2):
        selling.take_back(session, member, order_ref="C1", staff_id=counter["staff_id"], now=now + timedelta(minutes=5))
    assert session.scalar(select(Purchase.net_amount).execution_options(populate_existing=True)) == 0
    assert visits(session, member) == 0


def test_after_ten_minutes_it_stays(session, counter, now):
    member = make_member(session)
    sell(session, member, counter, now=now)
    with pytest.raises(Conflict, match="ten minutes"):
        selling.take_back(session, member, order_ref="C1", staff_id=counter["staff_id"], now=now + timedelta(hours=1))
