"""A tier set by hand has a name, a reason and an end, is written down for ever, and can be taken back."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid
from domain.operations import setting_tiers, tiering
from domain.reports.timeline import tier_reason
from models.member import Member
from models.programme import Tier, TierLine
from models.staff import AuditLine, Staff
from tests.domain.operations.test_tiering import buy, ladder, moment  # noqa: F401 - a fixture
from tests.support.factories import make_member
from tests.support.moments import NOW


@pytest.fixture
def staff(session: Session) -> Staff:
    row = Staff(login="mei", name="Mei", role="marketer", password_hash="x", language="en", created_at=NOW)
    session.add(row)
    session.flush()
    return row


@pytest.fixture
def member(session: Session, ladder: Any) -> Member:  # noqa: F811
    made = make_member(session, registered_at=moment(session, 2026, 1, 1))
    tiering.settle(session, [made.id], now=moment(session, 2026, 1, 1))
    return made


def give(session: Session, member: Member, staff: Staff, key: str, day: tuple[int, int, int], until: date) -> None:
    tier = session.scalars(select(Tier).where(Tier.key == key)).one()
    setting_tiers.set_tier(
        session, member, tier=tier, until=until, words="A guest of the house", staff=staff, now=moment(session, *day)
    )


def end(session: Session, member: Member, staff: Staff, *day: int) -> tuple[str, date | None]:
    setting_tiers.end_set_tier(session, member, words="By mistake", staff=staff, now=moment(session, *day))
    return stands(session, member)


def stands(session: Session, member: Member) -> tuple[str, date | None]:
    return session.get_one(Tier, member.tier_id).key, member.tier_until


def test_it_says_who_set_it_and_why(session: Session, member: Member, staff: Staff) -> None:
    give(session, member, staff, "gold", (2026, 2, 1), date(2026, 12, 31))
    assert stands(session, member) == ("gold", date(2026, 12, 31))
    line = session.scalars(select(TierLine).where(TierLine.reason == "by_hand")).one()
    assert (line.evidence["staff"], tier_reason(line, "en", "TWD")) == ("Mei", "A guest of the house")
    assert session.scalars(select(AuditLine.action)).all() == ["tier_set"]


def test_taken_back_they_stand_where_they_stood(session: Session, member: Member, staff: Staff) -> None:
    buy(session, member, moment(session, 2026, 1, 10), 5_000)
    tiering.settle(session, [member.id], now=moment(session, 2026, 1, 10))
    give(session, member, staff, "black", (2026, 2, 1), date(2027, 12, 31))
    assert end(session, member, staff, 2026, 2, 2) == ("silver", date(2027, 1, 31))
    assert session.scalars(select(TierLine.reason).order_by(TierLine.id)).all()[-2:] == ["by_hand", "by_hand_ended"]
    tiering.settle(session, [member.id], now=moment(session, 2026, 3, 1))
    assert stands(session, member) == ("silver", date(2027, 1, 31))
    with pytest.raises(Conflict):
        end(session, member, staff, 2026, 3, 2)


def test_what_was_earned_since_stays(session: Session, member: Member, staff: Staff) -> None:
    give(session, member, staff, "gold", (2026, 2, 1), date(2027, 12, 31))
    buy(session, member, moment(session, 2026, 2, 5), 6_000)
    tiering.settle(session, [member.id], now=moment(session, 2026, 2, 5))
    assert end(session, member, staff, 2026, 2, 6) == ("silver", date(2027, 2, 28))


def test_whoever_rose_above_keeps_it(session: Session, member: Member, staff: Staff) -> None:
    give(session, member, staff, "silver", (2026, 2, 1), date(2027, 12, 31))
    buy(session, member, moment(session, 2026, 2, 5), 30_000)
    tiering.settle(session, [member.id], now=moment(session, 2026, 2, 5))
    assert end(session, member, staff, 2026, 2, 6) == ("black", date(2027, 2, 28))


def test_setting_it_again_adds_and_never_overwrites(session: Session, member: Member, staff: Staff) -> None:
    give(session, member, staff, "gold", (2026, 2, 1), date(2026, 6, 30))
    give(session, member, staff, "gold", (2026, 2, 2), date(2026, 12, 31))
    lines = session.scalars(select(TierLine.until).where(TierLine.reason == "by_hand")).all()
    assert len(lines) == 2
    tiering.settle(session, [member.id], now=moment(session, 2026, 7, 1))
    assert stands(session, member) == ("gold", date(2026, 12, 31))


def test_without_a_reason_or_with_a_day_that_has_passed_nothing_is_set(
    session: Session, member: Member, staff: Staff
) -> None:
    gold = session.scalars(select(Tier).where(Tier.key == "gold")).one()
    now = moment(session, 2026, 2, 1)
    for until, words in ((date(2026, 1, 31), "Why not"), (date(2026, 12, 31), "  ")):
        with pytest.raises(Invalid):
            setting_tiers.set_tier(session, member, tier=gold, until=until, words=words, staff=staff, now=now)
    unknown = make_member(session, registered=False)
    with pytest.raises(Conflict):
        setting_tiers.set_tier(session, unknown, tier=gold, until=date(2026, 12, 31), words="x", staff=staff, now=now)
