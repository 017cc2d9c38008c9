"""Favourite categories: on how many days of the last year each was bought, on both databases."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from domain.operations import purchasing
from domain.operations.purchasing import Line
from domain.scores._figures import everyone
from domain.scores.category_affinity import KEPT, affinity_figures, category_days
from models.member import Member
from models.purchase import PurchaseLine
from tests.support.factories import make_member, numbers

DAY = date(2026, 6, 30)


def buy(session: Session, member: Member | None, days: int, *lines: tuple[str, int]) -> None:
    at = datetime.combine(DAY - timedelta(days=days), time(4, 0), UTC)
    purchasing.record_order(
        session, order_ref=f"C{next(numbers)}", paid_at=at, source="pos", now=at,
        lines=[Line(n, "x", amount, category=category) for n, (category, amount) in enumerate(lines, 1)],
        member_id=member.id if member else None,
    )  # fmt: skip


def likes(session: Session) -> dict[int, list[list[object]]]:
    return {row.member_id: row.affinity for row in session.execute(affinity_figures(DAY, everyone))}


def test_days_count_and_not_money_or_pieces(session: Session) -> None:
    member = make_member(session)
    buy(session, member, 1, ("cups", 90_000), ("cups", 90_000), ("tea", 5))
    buy(session, member, 2, ("tea", 5))
    assert likes(session) == {member.id: [["tea", 2], ["cups", 1]]}


def test_three_are_kept_and_equals_go_by_their_names(session: Session) -> None:
    member = make_member(session)
    for days in (1, 2):
        buy(session, member, days, ("d", 1), ("b", 1), ("c", 1), ("a", 1))
    buy(session, member, 3, ("d", 1))
    assert likes(session)[member.id] == [["d", 3], ["a", 2], ["b", 2]]
    assert len(likes(session)[member.id]) == KEPT


def test_a_year_goes_back_364_days_and_ends_with_the_day(session: Session) -> None:
    member = make_member(session)
    for days in (-1, 0, 364, 365):
        buy(session, member, days, ("tea", 10))
    assert likes(session) == {member.id: [["tea", 2]]}


def test_what_is_no_sale_or_has_no_category_or_no_buyer_counts_nowhere(session: Session) -> None:
    member, other = make_member(session), make_member(session)
    buy(session, member, 1, ("tea", 10), ("", 10), ("gift", 0))
    buy(session, None, 1, ("tea", 10))
    buy(session, other, 1, ("tea", 10))
    buy(session, member, 2, ("bags", 3))
    session.execute(update(PurchaseLine).where(PurchaseLine.category == "bags").values(kind="shipping"))
    found = session.execute(category_days(DAY, lambda id: id == member.id)).all()
    assert [tuple(row) for row in found] == [(member.id, "tea", 1)]
