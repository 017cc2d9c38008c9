"""Orders of staff and of test records are in no share of orders or of money, on either side (definitions §1)."""

from datetime import date

import pytest
from sqlalchemy.orm import Session

from domain.reports import basket
from tests.support.factories import make_member, make_purchase
from tests.support.journey import figure, local, share

SHARES = {"recognition_rate": (1, 2), "recognised_sales": (900, 1000), "online_share": (1000, 1000)}


@pytest.mark.parametrize("flag", ["is_test", "is_staff"])
def test_orders_of_nobody_stay_and_those_of_ours_do_not(session: Session, flag: str) -> None:
    at = local(session, date(2026, 2, 3))
    make_purchase(session, make_member(session), paid_at=at, amount=900)
    make_purchase(session, None, paid_at=at, amount=100)
    ours = make_member(session)
    setattr(ours, flag, True)
    make_purchase(session, ours, paid_at=at, amount=50_000)
    as_of = local(session, date(2026, 3, 20))
    assert {key: share(figure(session, key, "2026-02", as_of=as_of)) for key in SHARES} == SHARES
    assert basket.baskets(session, "product", until=date(2026, 2, 28)).n <= 2
