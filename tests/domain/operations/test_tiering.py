"""Tiers follow spend exactly as definitions §7 says, whatever order the data comes in."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import tiering
from models.member import Member
from models.outbox import OutgoingMessage
from models.programme import Tier, TierLine
from models.purchase import PurchaseLine, RefundAllocation
from tests.support.factories import make_member, make_purchase

LADDER = (("general", 0), ("silver", 5_000), ("gold", 15_000), ("black", 30_000))


@pytest.fixture
def ladder(session: Session) -> dict[str, Tier]:
    rows = {
        key: Tier(key=key, rank=rank, threshold=threshold, name={"en": key})
        for rank, (key, threshold) in enumerate(LADDER)
    }
    session.add_all(rows.values())
    session.flush()
    return rows


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session, registered_at=moment(session, 2026, 1, 1), created_at=moment(session, 2026, 1, 1))


def moment(session: Session, year: int, month: int, day: int) -> datetime:
    return calendar_of(session).start(date(year, month, day)) + timedelta(hours=12)


def buy(session: Session, member: Member, when: datetime, amount: int) -> PurchaseLine:
    purchase = make_purchase(session, member, paid_at=when, amount=amount)
    line = PurchaseLine(purchase_id=purchase.id, line_no=1, sku="tea", quantity=1, amount=amount, kind="sale")
    session.add(line)
    session.flush()
    return line


def refund(session: Session, member: Member, when: datetime, line: PurchaseLine, amount: int) -> None:
    order = make_purchase(session, member, paid_at=when, amount=0)
    back = PurchaseLine(
        purchase_id=order.id, line_no=1, sku="tea", quantity=-1, amount=-amount, kind="refund", allocated=amount
    )
    session.add(back)
    session.flush()
    session.add(RefundAllocation(refund_line_id=back.id, sale_line_id=line.id, amount=amount))
    session.flush()


def standing(session: Session, member: Member, *day: int) -> tuple[str, date | None]:
    """The tier on that day, once the night after it has passed."""
    tiering.settle(session, [member.id], now=moment(session, *day))
    tier = session.get(Tier, member.tier_id)
    assert tier is not None
    return tier.key, member.tier_until


def test_EX_11_up_at_once_renewed_grace_and_fall(session: Session, member: Member, ladder: dict[str, Tier]) -> None:
    buy(session, member, moment(session, 2026, 5, 10), 3_000)
    assert standing(session, member, 2026, 5, 10) == ("general", None)
    buy(session, member, moment(session, 2026, 6, 1), 2_500)
    assert standing(session, member, 2026, 6, 1) == ("silver", date(2027, 6, 30))
    buy(session, member, moment(session, 2027, 4, 1), 9_600)
    assert standing(session, member, 2027, 4, 1) == ("gold", date(2028, 4, 30))
    buy(session, member, moment(session, 2027, 10, 1), 4_000)
    assert standing(session, member, 2028, 4, 30) == ("gold", date(2028, 4, 30))
    assert standing(session, member, 2028, 5, 1) == ("gold", date(2028, 5, 30))
    buy(session, member, moment(session, 2028, 5, 20), 1_500)
    assert standing(session, member, 2028, 5, 30) == ("gold", date(2028, 5, 30))
    assert standing(session, member, 2028, 5, 31) == ("silver", date(2029, 5, 31))


def test_EX_11_replayed_in_one_go_gives_the_same_ledger(
    session: Session, member: Member, ladder: dict[str, Tier]
) -> None:
    for day, amount in (((2026, 5, 10), 3_000), ((2026, 6, 1), 2_500), ((2027, 4, 1), 9_600),
                        ((2027, 10, 1), 4_000), ((2028, 5, 20), 1_500)):  # fmt: skip
        buy(session, member, moment(session, *day), amount)
    assert standing(session, member, 2028, 6, 1) == ("silver", date(2029, 5, 31))
    reasons = session.scalars(select(TierLine.reason).where(TierLine.member_id == member.id).order_by(TierLine.at))
    assert list(reasons) == ["joined", "upgraded", "upgraded", "grace", "fell"]
    assert tiering.settle(session, [member.id], now=moment(session, 2028, 6, 1)) == 0


@pytest.mark.parametrize(
    ("amounts", "tier"),
    [([4_999], "general"), ([5_000], "silver"), ([14_999, 1], "gold"), ([29_000], "gold"), ([30_000], "black")],
)
def test_EX_12_thresholds(
    session: Session, member: Member, ladder: dict[str, Tier], amounts: list[int], tier: str
) -> None:
    for day, amount in enumerate(amounts):
        buy(session, member, moment(session, 2026, 2, 1) + timedelta(days=day), amount)
    assert standing(session, member, 2026, 2, 10)[0] == tier


def test_spend_in_grace_renews_from_that_day(session: Session, member: Member, ladder: dict[str, Tier]) -> None:
    buy(session, member, moment(session, 2026, 2, 1), 5_000)
    assert standing(session, member, 2027, 3, 5) == ("silver", date(2027, 3, 30))
    buy(session, member, moment(session, 2027, 3, 6), 5_000)
    assert standing(session, member, 2027, 3, 6) == ("silver", date(2028, 3, 31))


def test_a_refund_within_thirty_days_takes_the_upgrade_back(
    session: Session, member: Member, ladder: dict[str, Tier]
) -> None:
    line = buy(session, member, moment(session, 2026, 2, 1), 5_000)
    assert standing(session, member, 2026, 2, 1)[0] == "silver"
    refund(session, member, moment(session, 2026, 2, 20), line, 1_000)
    assert standing(session, member, 2026, 2, 20) == ("general", None)


def test_a_later_refund_waits_for_the_period_to_end(session: Session, member: Member, ladder: dict[str, Tier]) -> None:
    line = buy(session, member, moment(session, 2026, 2, 1), 5_000)
    refund(session, member, moment(session, 2026, 4, 1), line, 1_000)
    assert standing(session, member, 2026, 4, 2) == ("silver", date(2027, 2, 28))
    assert standing(session, member, 2027, 3, 1) == ("silver", date(2027, 3, 30))
    assert standing(session, member, 2027, 3, 31) == ("general", None)


def test_a_rise_is_told_once_and_history_is_not(session: Session, member: Member, ladder: dict[str, Tier]) -> None:
    def told() -> int:
        return len(session.scalars(select(OutgoingMessage.id).where(OutgoingMessage.name == "tier_up")).all())

    buy(session, member, moment(session, 2026, 2, 1), 5_000)
    standing(session, member, 2026, 3, 10)
    assert told() == 0
    buy(session, member, moment(session, 2026, 3, 10), 10_000)
    standing(session, member, 2026, 3, 10)
    standing(session, member, 2026, 3, 10)
    assert told() == 1


def test_a_tier_given_as_a_reward_holds_to_its_end(session: Session, member: Member, ladder: dict[str, Tier]) -> None:
    def give() -> bool:
        line = tiering.grant_floor(
            session, member.id, tier=ladder["silver"], until=date(2027, 2, 1), reason="granted",
            cause=f"referral:{member.id}", now=moment(session, 2026, 2, 1),
        )  # fmt: skip
        return line is not None

    assert give() is True
    assert standing(session, member, 2026, 12, 1) == ("silver", date(2027, 2, 1))
    assert give() is False
    assert standing(session, member, 2027, 2, 2) == ("silver", date(2027, 3, 3))
    assert standing(session, member, 2027, 3, 4) == ("general", None)


def give_gold(
    session: Session, member: Member, ladder: dict[str, Tier], day: tuple[int, int, int], until: date
) -> None:
    tiering.grant_floor(
        session, member.id, tier=ladder["gold"], until=until, reason="by_hand", cause=f"hand:{day}",
        now=moment(session, *day),
    )  # fmt: skip


def test_a_tier_given_by_hand_holds_after_the_earned_period(
    session: Session, member: Member, ladder: dict[str, Tier]
) -> None:
    buy(session, member, moment(session, 2026, 4, 10), 15_000)
    assert standing(session, member, 2027, 1, 10) == ("gold", date(2027, 4, 30))
    give_gold(session, member, ladder, (2027, 1, 10), date(2027, 12, 31))
    assert standing(session, member, 2027, 1, 10) == ("gold", date(2027, 4, 30))
    assert standing(session, member, 2027, 5, 31) == ("gold", date(2027, 12, 31))
    assert standing(session, member, 2028, 1, 1) == ("gold", date(2028, 1, 30))
    assert standing(session, member, 2028, 1, 31) == ("general", None)


def test_a_tier_given_in_the_grace_ends_the_grace(session: Session, member: Member, ladder: dict[str, Tier]) -> None:
    buy(session, member, moment(session, 2026, 4, 10), 15_000)
    assert standing(session, member, 2027, 5, 5) == ("gold", date(2027, 5, 30))
    give_gold(session, member, ladder, (2027, 5, 10), date(2027, 12, 31))
    assert standing(session, member, 2027, 6, 10) == ("gold", date(2027, 12, 31))


def test_who_rose_above_a_given_tier_falls_no_lower_than_it(
    session: Session, member: Member, ladder: dict[str, Tier]
) -> None:
    give_gold(session, member, ladder, (2026, 2, 1), date(2027, 12, 31))
    line = buy(session, member, moment(session, 2026, 4, 10), 30_000)
    assert standing(session, member, 2026, 4, 10) == ("black", date(2027, 4, 30))
    refund(session, member, moment(session, 2026, 4, 20), line, 29_000)
    assert standing(session, member, 2026, 4, 20) == ("gold", date(2027, 12, 31))


def test_black_falls_to_the_gold_that_was_given(session: Session, member: Member, ladder: dict[str, Tier]) -> None:
    give_gold(session, member, ladder, (2026, 2, 1), date(2027, 12, 31))
    buy(session, member, moment(session, 2026, 4, 10), 30_000)
    assert standing(session, member, 2027, 5, 31) == ("gold", date(2027, 12, 31))


def test_a_refund_counts_on_the_day_of_its_own_line(session: Session, member: Member, ladder: dict[str, Tier]) -> None:
    """A refund written under the sale's order number was still paid back later than the sale was paid."""
    line = buy(session, member, moment(session, 2026, 2, 1), 5_000)
    back = PurchaseLine(
        purchase_id=line.purchase_id, line_no=2, sku="tea", quantity=-1, amount=-1_000, kind="refund",
        allocated=1_000, paid_at=moment(session, 2026, 4, 1),
    )  # fmt: skip
    session.add(back)
    session.flush()
    session.add(RefundAllocation(refund_line_id=back.id, sale_line_id=line.id, amount=1_000))
    session.flush()
    assert standing(session, member, 2026, 4, 2) == ("silver", date(2027, 2, 28))
