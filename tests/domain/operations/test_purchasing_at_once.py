"""Orders of one person that arrive at the same moment see each other, on either database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import func, select

from domain.operations import tiering
from domain.operations.purchasing import Line, record_order
from models.member import Member
from models.programme import Tier, TierLine
from models.purchase import Purchase, PurchaseLine, RefundAllocation
from models.session import Sessions
from tests.support.factories import make_member
from tests.support.moments import NOW

LADDER = (("general", 0), ("silver", 5_000), ("gold", 15_000))


def member_on_a_ladder(sessions: Sessions) -> int:
    with sessions.writing() as session:
        session.add_all(Tier(key=key, rank=rank, threshold=at) for rank, (key, at) in enumerate(LADDER))
        member = make_member(session)
        session.commit()
        return member.id


def at_once(*deeds: Callable[[], object]) -> None:
    """All of them in their own threads, begun together. Raises what one of them raised."""
    barrier = Barrier(len(deeds))

    def run(deed: Callable[[], object]) -> None:
        barrier.wait()
        deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        for each in [pool.submit(run, deed) for deed in deeds]:
            each.result()


def order(sessions: Sessions, ref: str, member_id: int | None, line: Line) -> None:
    with sessions.writing() as session:
        record_order(
            session, order_ref=ref, member_id=member_id, paid_at=NOW - timedelta(hours=1), lines=[line],
            source="pos", now=NOW,
        )  # fmt: skip
        session.commit()


def test_refunds_of_one_order_at_once_take_no_more_than_it_was(sessions: Sessions) -> None:
    member_id = member_on_a_ladder(sessions)
    order(sessions, "A1", member_id, Line(1, "tea", 1_000))
    back = Line(1, "tea", -1_000, kind="refund", refund_of="A1")
    at_once(*(lambda n=n: order(sessions, f"R{n}", None, back) for n in range(6)))
    with sessions.reading() as session:
        assert session.scalar(select(func.sum(RefundAllocation.amount))) == 1_000
        assert session.scalar(select(Purchase.net_amount).where(Purchase.order_ref == "A1")) == 0
        assert session.scalar(select(func.sum(Purchase.net_amount))) == -5_000


def test_a_sale_and_its_refund_at_once_find_each_other(sessions: Sessions) -> None:
    member_id = member_on_a_ladder(sessions)
    for n in range(5):
        sale = Line(1, "tea", 1_000)
        back = Line(1, "tea", -1_000, kind="refund", refund_of=f"A{n}")
        at_once(
            lambda n=n, sale=sale: order(sessions, f"A{n}", member_id, sale),
            lambda n=n, back=back: order(sessions, f"R{n}", None, back),
        )
    with sessions.reading() as session:
        assert set(session.scalars(select(Purchase.net_amount))) == {0}
        assert session.scalar(select(func.count()).where(PurchaseLine.allocated > 0)) == 5


def test_two_orders_at_once_reach_the_tier_together(sessions: Sessions) -> None:
    member_id = member_on_a_ladder(sessions)
    at_once(*(lambda n=n: order(sessions, f"A{n}", member_id, Line(1, "tea", 3_000)) for n in range(5)))
    with sessions.reading() as session:
        tier = session.get_one(Tier, session.get_one(Member, member_id).tier_id)
        assert tier.key == "gold"
        reasons = session.scalars(select(TierLine.reason).order_by(TierLine.id)).all()
        assert sorted(reasons) == ["joined", "upgraded", "upgraded"]


def test_the_night_and_a_purchase_at_once_write_a_move_once(sessions: Sessions) -> None:
    member_id = member_on_a_ladder(sessions)

    def night() -> None:
        with sessions.writing() as session:
            tiering.settle(session, [member_id], now=NOW)
            session.commit()

    at_once(night, night, night, lambda: order(sessions, "A1", member_id, Line(1, "tea", 6_000)))
    with sessions.reading() as session:
        reasons = session.scalars(select(TierLine.reason).order_by(TierLine.id)).all()
        assert sorted(reasons) == ["joined", "upgraded"]
