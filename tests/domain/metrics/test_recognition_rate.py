"""How many orders are of somebody we know, by count and by amount: recognition_rate and recognised_sales."""

from datetime import date

from sqlalchemy.orm import Session

from domain.operations import linking_buyers, purchasing
from domain.operations.purchasing import Line
from tests.support.factories import make_member, make_purchase
from tests.support.journey import figure, local, share


def test_orders_of_nobody_count_in_the_whole_only(session: Session) -> None:
    at, as_of = local(session, date(2026, 2, 3)), local(session, date(2026, 3, 20))
    make_purchase(session, make_member(session), paid_at=at, amount=900)
    purchasing.record_order(
        session, order_ref="T1", paid_at=at, lines=[Line(1, "A", 100)], buyer_ref="POS-9", source="test", now=at
    )
    make_purchase(session, None, paid_at=at, amount=0)
    make_purchase(session, None, paid_at=local(session, date(2026, 3, 1)), amount=500)
    assert share(figure(session, "recognition_rate", "2026-02", as_of=as_of)) == (1, 2)
    assert share(figure(session, "recognised_sales", "2026-02", as_of=as_of)) == (900, 1000)
    linking_buyers.link_buyer(session, make_member(session).id, ["POS-9"], now=as_of)
    assert share(figure(session, "recognition_rate", "2026-02", as_of=as_of)) == (2, 2)
