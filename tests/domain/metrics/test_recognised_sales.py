"""The recognition rate by amount differs from the one by count as much as what known people buy does."""

from datetime import date

from sqlalchemy.orm import Session

from tests.support.factories import make_member, make_purchase
from tests.support.journey import figure, local, share


def test_a_large_order_of_somebody_unknown_weighs_as_much_as_it_is_worth(session: Session) -> None:
    at, as_of = local(session, date(2026, 2, 3)), local(session, date(2026, 3, 20))
    for _ in range(3):
        make_purchase(session, make_member(session), paid_at=at, amount=100)
    make_purchase(session, None, paid_at=at, amount=700)
    assert share(figure(session, "recognised_sales", "2026-02", as_of=as_of)) == (300, 1000)
    assert share(figure(session, "recognition_rate", "2026-02", as_of=as_of)) == (3, 4)
