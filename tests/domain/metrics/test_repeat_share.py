"""The share that bought more than once in a year, on both databases (definitions §4.4)."""

from datetime import date

from sqlalchemy.orm import Session

from tests.support.factories import make_member, make_purchase
from tests.support.journey import figure, local, share


def test_two_orders_of_one_day_are_one_purchase(session: Session) -> None:
    same_day, two_days, refunded, long_ago = (make_member(session) for _ in range(4))
    for member, day, amount in (
        (same_day, date(2026, 2, 1), 10), (same_day, date(2026, 2, 1), 10),
        (two_days, date(2025, 3, 1), 10), (two_days, date(2026, 2, 28), 10),
        (refunded, date(2026, 1, 1), 10), (refunded, date(2026, 1, 2), 0),
        (long_ago, date(2025, 2, 28), 10), (long_ago, date(2026, 1, 2), 10),
    ):  # fmt: skip
        make_purchase(session, member, paid_at=local(session, day), amount=amount)
    found = figure(session, "repeat_share", "2026-02", as_of=local(session, date(2026, 3, 20)))
    assert share(found) == (1, 4)
