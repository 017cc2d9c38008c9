"""Orders and refunds: each lowers the right order, however the lines arrive."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, Refusal
from domain.operations.linking_buyers import link_buyer
from domain.operations.purchasing import Line, Order, record_lines, record_order
from models.event import Event
from models.purchase import Purchase, PurchaseLine, RefundAllocation
from tests.support.factories import make_member, make_store

MAY = datetime(2025, 5, 10, 4, 0, tzinfo=UTC)
JUNE = datetime(2025, 6, 10, 4, 0, tzinfo=UTC)
JULY = datetime(2025, 7, 10, 4, 0, tzinfo=UTC)


def load(session: Session, *items: tuple[Order, Line], now: datetime) -> list[str]:
    return [
        outcome.code if isinstance(outcome, Refusal) else outcome
        for outcome in record_lines(session, items, source="pos", now=now).outcomes
    ]


def nets(session: Session) -> dict[str, int]:
    return dict(session.execute(select(Purchase.order_ref, Purchase.net_amount)).all())


def test_an_order_is_worth_its_lines(session: Session, now: datetime) -> None:
    member = make_member(session)
    purchase = record_order(
        session, order_ref="A1", member_id=member.id, paid_at=MAY, channel="pos",
        lines=[Line(1, "tea", 300), Line(2, "cup", 150, 2)], source="pos", now=now,
    )  # fmt: skip
    assert (purchase.net_amount, purchase.day.isoformat(), purchase.member_id) == (450, "2025-05-10", member.id)


def test_the_day_is_the_shops_day(session: Session, now: datetime) -> None:
    late = datetime(2025, 5, 31, 16, 30, tzinfo=UTC)  # half past midnight in Taipei
    purchase = record_order(session, order_ref="A1", paid_at=late, lines=[Line(1, "tea", 1)], source="pos", now=now)
    assert purchase.day.isoformat() == "2025-06-01"


def test_the_same_line_twice_changes_nothing_and_another_under_its_number_is_refused(
    session: Session, now: datetime
) -> None:
    order = Order("A1", MAY)
    assert load(session, (order, Line(1, "tea", 300)), now=now) == ["accepted"]
    again = load(
        session, (order, Line(1, "tea", 300)), (order, Line(1, "tea", 200)), (order, Line(2, "cup", 9)), now=now
    )
    assert again == ["repeated", "conflict", "accepted"]
    assert nets(session) == {"A1": 309}


def test_what_cannot_be_is_refused_in_words(session: Session, now: datetime) -> None:
    order = Order("A1", MAY)
    wrong = (Line(1, "tea", -5), Line(2, "tea", 5, kind="gift"), Line(3, "tea", 5, refund_of="A0"))
    assert load(session, *((order, line) for line in wrong), now=now) == ["invalid"] * 3
    assert nets(session) == {}
    with pytest.raises(Invalid):
        record_order(session, order_ref="A1", paid_at=MAY, lines=[], source="pos", now=now)


def test_an_order_does_not_change_hands(session: Session, now: datetime) -> None:
    mei, ken = make_member(session), make_member(session)
    record_order(
        session, order_ref="A1", member_id=mei.id, paid_at=MAY, lines=[Line(1, "tea", 1)], source="pos", now=now
    )
    with pytest.raises(Conflict):
        record_order(
            session, order_ref="A1", member_id=ken.id, paid_at=MAY, lines=[Line(2, "tea", 1)], source="pos", now=now
        )


REFUNDS = {
    "part of a named order": (Line(1, "tea", -100, kind="refund", refund_of="A1"), {"A1": 350, "A2": 500, "R1": 0}),
    "a named order whole": (Line(1, "tea", -450, kind="refund", refund_of="A1"), {"A1": 0, "A2": 500, "R1": 0}),
    "either sign": (Line(1, "tea", 100, kind="refund", refund_of="A1"), {"A1": 350, "A2": 500, "R1": 0}),
    "more than was paid": (Line(1, "tea", -500, kind="refund", refund_of="A1"), {"A1": 0, "A2": 500, "R1": -50}),
    "no order named: the latest line": (Line(1, "tea", -100, kind="refund"), {"A1": 450, "A2": 400, "R1": 0}),
    "no order named: over two orders": (Line(1, "tea", -600, kind="refund"), {"A1": 350, "A2": 0, "R1": 0}),
    "a product never bought": (Line(1, "hat", -100, kind="refund"), {"A1": 450, "A2": 500, "R1": -100}),
    "an order never seen": (Line(1, "tea", -100, kind="refund", refund_of="A9"), {"A1": 450, "A2": 500, "R1": -100}),
}


@pytest.mark.parametrize("case", REFUNDS)
def test_a_refund_lowers_what_it_takes_back_in_whatever_order_the_lines_come(
    session: Session, now: datetime, case: str
) -> None:
    refund, expected = REFUNDS[case]
    member = make_member(session)
    items = [
        (Order("A1", MAY, member.id), Line(1, "tea", 300)),
        (Order("A1", MAY, member.id), Line(2, "cup", 150)),
        (Order("A2", JUNE, member.id), Line(1, "tea", 500)),
        (Order("R1", JULY, member.id), refund),
    ]
    for arrival in list(permutations(items))[:: 1 if case.startswith("no order") else 5]:
        attempt = session.begin_nested()
        for item in arrival:
            assert load(session, item, now=now) == ["accepted"]
        assert nets(session) == expected
        attempt.rollback()
    load(session, *items, now=now)
    assert nets(session) == expected
    assert load(session, *items, now=now) == ["repeated"] * 4


def test_a_refund_never_takes_from_what_was_bought_later_or_by_another(session: Session, now: datetime) -> None:
    mei, ken = make_member(session), make_member(session)
    load(
        session,
        (Order("A1", JULY, mei.id), Line(1, "tea", 300)),
        (Order("A2", MAY, ken.id), Line(1, "tea", 300)),
        (Order("R1", JUNE, mei.id), Line(1, "tea", -300, kind="refund")),
        now=now,
    )
    assert nets(session) == {"A1": 300, "A2": 300, "R1": -300}


def test_named_refunds_come_before_unnamed_ones(session: Session, now: datetime) -> None:
    member = make_member(session)
    load(
        session,
        (Order("A1", MAY, member.id), Line(1, "tea", 300)),
        (Order("A2", JUNE, member.id), Line(1, "tea", 300)),
        (Order("R1", JULY, member.id), Line(1, "tea", -200, kind="refund")),
        now=now,
    )
    assert nets(session) == {"A1": 300, "A2": 100, "R1": 0}
    load(session, (Order("R2", JULY, member.id), Line(1, "tea", -300, kind="refund", refund_of="A2")), now=now)
    assert nets(session) == {"A1": 100, "A2": 0, "R1": 0, "R2": 0}


def test_a_refund_written_into_its_own_order_keeps_the_orders_day(session: Session, now: datetime) -> None:
    load(session, (Order("A1", JUNE), Line(2, "tea", -100, kind="refund", refund_of="A1")), now=now)
    load(session, (Order("A1", MAY), Line(1, "tea", 300)), now=now)
    purchase = session.scalars(select(Purchase)).one()
    assert (purchase.net_amount, purchase.paid_at) == (200, MAY)
    refund = session.scalars(select(PurchaseLine).where(PurchaseLine.kind == "refund")).one()
    assert (refund.paid_at, refund.allocated) == (JUNE, 100)


def test_orders_of_an_unknown_buyer_are_theirs_once_they_are_known(session: Session, now: datetime) -> None:
    load(
        session,
        (Order("A1", MAY, None, "+886912345678"), Line(1, "tea", 300)),
        (Order("R1", JUNE, None, "+886912345678"), Line(1, "tea", -100, kind="refund")),
        (Order("A2", MAY, None, None), Line(1, "tea", 70)),
        now=now,
    )
    assert nets(session) == {"A1": 200, "R1": 0, "A2": 70}
    member = make_member(session)
    load(session, (Order("R2", JULY, member.id), Line(1, "tea", -50, kind="refund")), now=now)
    assert nets(session)["R2"] == -50
    assert link_buyer(session, member.id, ["0912-345-678"], now=now) == 2
    assert nets(session) == {"A1": 150, "R1": 0, "A2": 70, "R2": 0}
    assert session.scalar(select(Purchase.member_id).where(Purchase.order_ref == "A1")) == member.id
    assert link_buyer(session, member.id, ["0912-345-678"], now=now) == 0


def test_each_order_is_a_conversion_when_it_was_paid_and_a_fresh_one_a_visit(session: Session, now: datetime) -> None:
    member, store = make_member(session), make_store(session)
    for ref, paid_at in (("new", now - timedelta(hours=47)), ("old", now - timedelta(hours=49))):
        record_order(
            session, order_ref=ref, member_id=member.id, paid_at=paid_at, store_id=store.id,
            lines=[Line(1, "tea", 100)], source="pos", now=now,
        )  # fmt: skip
    done = select(Event.object, Event.occurred_at).where(Event.kind == "conversion_completed")
    assert session.execute(done.order_by(Event.occurred_at)).all() == [
        ("order:old", now - timedelta(hours=49)), ("order:new", now - timedelta(hours=47)),
    ]  # fmt: skip
    starts = session.scalars(select(Event).where(Event.kind == "conversion_started")).all()
    assert all(each.data["implied"] for each in starts)
    visits = session.scalars(select(Event).where(Event.kind == "visited")).all()
    assert [(each.object, each.data["how"]) for each in visits] == [(store.key, "purchase")]


def test_nothing_is_lost_or_made_by_netting(session: Session, now: datetime) -> None:
    member = make_member(session)
    sales = [(Order(f"A{n}", MAY + timedelta(days=n), member.id), Line(1, f"s{n % 3}", 100 + n)) for n in range(20)]
    refunds = [
        (Order(f"R{n}", MAY + timedelta(days=n, hours=n), member.id), Line(1, f"s{n % 4}", -37 * n, kind="refund"))
        for n in range(1, 15)
    ]
    load(session, *sales, *refunds, now=now)
    total = session.scalar(select(func.sum(PurchaseLine.amount)))
    assert session.scalar(select(func.sum(Purchase.net_amount))) == total
    over = (
        select(func.count())
        .select_from(PurchaseLine)
        .where(
            PurchaseLine.amount
            < select(func.coalesce(func.sum(RefundAllocation.amount), 0))
            .where(RefundAllocation.sale_line_id == PurchaseLine.id)
            .scalar_subquery(),
            PurchaseLine.kind == "sale",
        )
    )
    assert session.scalar(over) == 0
