"""Reach of new products, on both databases (definitions §10)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.metrics import rates
from domain.metrics._counting import measure
from domain.metrics._shape import Figure, Period
from domain.operations.purchasing import Line, record_order
from models.member import Member
from tests.support.factories import make_member
from tests.support.journey import local, share

LAUNCHED = date(2026, 1, 10)  # its sixty days end on 10 March
SHELF = {"launches": {"NEW": "2026-01-10", "OTHER": "2025-01-01"}}


def buys(session: Session, member: Member, sku: str, day: date) -> None:
    at = local(session, day)
    record_order(
        session, order_ref=f"{member.id}-{sku}-{day}", member_id=member.id, buyer_ref=None, paid_at=at, channel="web",
        store_id=None, lines=[Line(line_no=1, sku=sku, amount=100)], source="test", now=at,
    )  # fmt: skip


def reach(session: Session, month: str, as_of: date) -> Figure:
    period = Period(Month.parse(month), calendar_of(session), local(session, as_of), SHELF)
    return measure(session, rates()["new_product_reach"], period)


def test_buyers_of_the_first_sixty_days(session: Session) -> None:
    first, second, third, fourth = (make_member(session) for _ in range(4))
    buys(session, first, "NEW", LAUNCHED)
    buys(session, first, "TEA", LAUNCHED)
    buys(session, second, "NEW", LAUNCHED + timedelta(days=59))
    buys(session, third, "TEA", LAUNCHED)
    buys(session, fourth, "NEW", LAUNCHED + timedelta(days=60))  # the sixty-first day
    found = reach(session, "2026-03", date(2026, 3, 20))
    assert share(found) == (2, 3)
    assert list(found.parts) == ["NEW"]
    assert share(reach(session, "2026-02", date(2026, 3, 20))) == (0, 0)
    early = reach(session, "2026-03", date(2026, 3, 5))
    assert (share(early), early.asides["pending"]) == ((0, 0), 2)
