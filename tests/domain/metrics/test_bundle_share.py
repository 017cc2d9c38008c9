"""Bundles by net amount, on both databases (definitions §10)."""

from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.metrics import rates
from domain.metrics._counting import measure
from domain.metrics._shape import Period
from domain.operations.purchasing import Line, record_order
from tests.support.factories import make_member
from tests.support.journey import local

SHELF: dict[str, Any] = {"bundles": ["SET", "gift boxes"], "non_goods": ["SHIP"]}


def order(session: Session, ref: str, lines: list[Line]) -> None:
    at = local(session, date(2026, 2, 5))
    record_order(
        session, order_ref=ref, member_id=make_member(session).id, buyer_ref=None, paid_at=at, channel="web",
        store_id=None, lines=lines, source="test", now=at,
    )  # fmt: skip


def test_by_sku_or_category_net_of_refunds_and_without_what_is_no_goods(session: Session) -> None:
    order(session, "a", [
        Line(line_no=1, sku="SET", amount=400), Line(line_no=2, sku="TEA", amount=300),
        Line(line_no=3, sku="SHIP", amount=80), Line(line_no=4, sku="BOX", amount=200, category="gift boxes"),
    ])  # fmt: skip
    order(session, "b", [Line(line_no=1, sku="SET", amount=300), Line(line_no=2, sku="TEA", amount=100)])
    order(session, "r", [Line(line_no=1, sku="SET", amount=-100, quantity=-1, kind="refund", refund_of="b")])
    period = Period(Month(2026, 2), calendar_of(session), local(session, date(2026, 3, 20)), SHELF)
    found = measure(session, rates()["bundle_share"], period)
    assert (found.who, found.of) == (400 + 200 + 300 - 100, 400 + 300 + 200 + 300 + 100 - 100)
