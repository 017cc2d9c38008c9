"""What the card says about tiers, points, purchases and coupons."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.reports import card
from models.member import Member
from models.programme import Tier
from tests.support.factories import make_member, make_purchase
from tests.support.purse import put_points


@pytest.fixture
def tiers(session: Session) -> list[Tier]:
    made = [
        Tier(key=key, rank=rank, name={"en": key}, threshold=threshold)
        for rank, (key, threshold) in enumerate((("regular", 0), ("silver", 5000), ("gold", 15000)))
    ]
    session.add_all(made)
    session.flush()
    return made


def test_what_is_missing_to_the_next_tier_and_how_long_that_is_enough(
    session: Session, tiers: list[Tier], now: datetime
) -> None:
    member = make_member(session)
    make_purchase(session, member, paid_at=now - timedelta(days=400), amount=9000)  # no longer counts
    make_purchase(session, member, paid_at=now - timedelta(days=100), amount=1200)
    make_purchase(session, member, paid_at=now - timedelta(days=2), amount=800)
    make_purchase(session, member, paid_at=now - timedelta(days=1), amount=-300)  # a refund of something older
    progress = card.towards_next(session, member, now=now)
    assert progress is not None
    assert (progress.tier.key, progress.sum, progress.remaining) == ("silver", 2000, 3000)
    # The oldest order counts on its day and the 364 days after it.
    assert progress.by == date(2026, 3, 10) - timedelta(days=100) + timedelta(days=364)


def test_without_purchases_there_is_no_day_to_name(session: Session, tiers: list[Tier], now: datetime) -> None:
    progress = card.towards_next(session, make_member(session), now=now)
    assert progress is not None
    assert (progress.remaining, progress.by) == (5000, None)


def test_at_the_top_there_is_nothing_more_to_reach(session: Session, tiers: list[Tier], now: datetime) -> None:
    member = make_member(session, tier_id=tiers[2].id)
    assert card.towards_next(session, member, now=now) is None


def test_what_keeps_a_tier_counts_only_what_still_counts_at_its_end(
    session: Session, tiers: list[Tier], now: datetime
) -> None:
    member = make_member(session, tier_id=tiers[1].id, tier_until=date(2026, 12, 31))
    make_purchase(session, member, paid_at=now - timedelta(days=100), amount=4000)  # 2025-11-30: gone by then
    make_purchase(session, member, paid_at=now - timedelta(days=10), amount=1500)
    keep = card.to_keep(session, member, now=now)
    assert keep is not None
    assert (keep.sum, keep.remaining, keep.by) == (1500, 3500, date(2026, 12, 31))
    assert card.to_keep(session, make_member(session, tier_id=tiers[0].id), now=now) is None


def test_points_not_yet_usable_are_told_apart(session: Session, now: datetime) -> None:
    member = make_member(session)
    put_points(session, member, 100, at=now, expires_at=now + timedelta(days=30))
    put_points(session, member, -30, at=now, usable_at=None)
    put_points(session, member, 12, at=now, usable_at=now + timedelta(days=3))
    ends_on = calendar_of(session).day_of(now + timedelta(days=30))
    assert card.points_of(session, member, now=now) == card.Points(70, 12, 70, ends_on)


def test_purchases_are_the_latest_of_this_member_alone(session: Session, now: datetime) -> None:
    member, other = make_member(session), make_member(session)
    for days in range(card.RECENT + 2):
        make_purchase(session, member, paid_at=now - timedelta(days=days), amount=100 + days)
    make_purchase(session, other, paid_at=now, amount=999)
    assert [each.amount for each in card.recent_purchases(session, member)] == [100, 101, 102, 103, 104]


def test_someone_imported_without_tiers_still_has_a_card(session: Session, now: datetime) -> None:
    member: Member = make_member(session)
    assert card.tier_of(session, member) is None
    assert card.towards_next(session, member, now=now) is None
    assert card.live_coupons(session, member, now=now) == []
