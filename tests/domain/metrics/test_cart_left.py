"""Carts left behind, on both databases (definitions §10, EX-19)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from tests.support.factories import make_member, make_purchase
from tests.support.journey import figure, happened, local, share


def test_EX_19_an_order_within_72_hours_of_the_last_addition_empties_the_cart(session: Session) -> None:
    at = local(session, date(2026, 2, 5))
    for n in range(120):
        member = make_member(session, friend=False)
        happened(session, member, "carted", at, object="sku")
        if n < 60:
            make_purchase(session, member, paid_at=at + timedelta(hours=72), amount=10)
    found = figure(session, "cart_left", "2026-02", as_of=local(session, date(2026, 3, 20)))
    assert share(found) == (60, 120)


def test_a_later_addition_waits_anew(session: Session) -> None:
    at = local(session, date(2026, 2, 5))
    member = make_member(session)
    happened(session, member, "carted", at, object="a")
    make_purchase(session, member, paid_at=at + timedelta(hours=1), amount=10)
    happened(session, member, "carted", at + timedelta(hours=2), object="b")
    early = figure(session, "cart_left", "2026-02", as_of=at + timedelta(hours=73))
    assert (share(early), early.asides["pending"]) == ((0, 0), 1)
    assert share(figure(session, "cart_left", "2026-02", as_of=at + timedelta(hours=75))) == (1, 1)
