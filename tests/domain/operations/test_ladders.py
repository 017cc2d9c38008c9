"""Other thresholds judge from their day on: nobody's past is rewritten, whoever reaches a lower one rises that day."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import programme, raising, tiering, visiting
from domain.reports import card
from domain.reports.tier_words import counted_words
from domain.reports.timeline import tier_reason
from jobs.programme import run
from models.event import Event
from models.member import Member
from models.programme import Ladder, Tier, TierLine, the_brand
from models.session import Sessions
from tests.domain.operations.test_tiering import buy, moment, refund
from tests.support.factories import make_member, make_store

THRESHOLDS = {"general": 0, "silver": 5_000, "gold": 15_000}


def file(brand: dict[str, Any] | None = None, **thresholds: int) -> programme.Programme:
    tiers = [
        {"key": key, "name": {"en": key}, "threshold": least} for key, least in {**THRESHOLDS, **thresholds}.items()
    ]
    return programme.read({"brand": {"name": "A", **(brand or {})}, "tiers": tiers})


def change(session: Session, day: tuple[int, int, int], brand: dict[str, Any] | None = None, **thresholds: int) -> None:
    programme.apply(session, file(brand, **thresholds), by="Mei", now=moment(session, *day))


def at_once(session: Session, day: tuple[int, int, int]) -> list[int]:
    """As the job does on the day: whoever stands low is settled."""
    now = moment(session, *day)
    ids = raising.standing_low(session, now=now)
    tiering.settle(session, ids, now=now)
    raising.finish(session, raising.unfinished(session, now=now), now=now)
    return ids


@pytest.fixture
def member(session: Session) -> Member:
    change(session, (2026, 1, 1))
    return make_member(session, registered_at=moment(session, 2026, 1, 1), created_at=moment(session, 2026, 1, 1))


def standing(session: Session, member: Member, *day: int) -> tuple[str, date | None]:
    tiering.settle(session, [member.id], now=moment(session, *day))
    return session.get_one(Tier, member.tier_id).key, member.tier_until


def test_who_reaches_a_lower_threshold_rises_on_its_day(session: Session, member: Member) -> None:
    buy(session, member, moment(session, 2026, 2, 1), 12_500)
    assert standing(session, member, 2026, 3, 1) == ("silver", date(2027, 2, 28))
    change(session, (2026, 3, 10), gold=12_000)
    assert at_once(session, (2026, 3, 10)) == [member.id]
    assert member.tier_until == date(2027, 3, 31)
    line = session.scalars(select(TierLine).order_by(TierLine.id.desc()).limit(1)).one()
    assert (line.reason, line.cause) == ("upgraded", f"{member.id}:upgraded:ladder:2026-03-10")
    assert (line.evidence["spend_365"], line.evidence["threshold"]) == (12_500, 12_000)
    assert at_once(session, (2026, 3, 10)) == []
    assert raising.unfinished(session, now=moment(session, 2026, 3, 11)) == []


def test_a_higher_threshold_never_lowers_within_the_period(session: Session, member: Member) -> None:
    buy(session, member, moment(session, 2026, 2, 1), 15_000)
    standing(session, member, 2026, 2, 1)
    change(session, (2026, 3, 10), gold=20_000)
    assert at_once(session, (2026, 3, 10)) == []
    assert standing(session, member, 2027, 2, 28) == ("gold", date(2027, 2, 28))
    assert standing(session, member, 2027, 3, 1) == ("gold", date(2027, 3, 30))  # the grace
    assert standing(session, member, 2027, 3, 31)[0] == "general"


def test_the_past_is_judged_by_the_ladder_of_its_days(session: Session, member: Member) -> None:
    """An order of February that is learned of in April counts by February's thresholds."""
    change(session, (2026, 3, 10), silver=3_000)
    buy(session, member, moment(session, 2026, 2, 1), 4_000)
    tiering.settle(session, [member.id], is_history=True, now=moment(session, 2026, 4, 1))
    line = session.scalars(select(TierLine).where(TierLine.reason == "upgraded")).one()
    assert line.cause.endswith("ladder:2026-03-10")
    assert line.recorded_at is None


def test_replaying_after_a_change_adds_nothing(session: Session, member: Member) -> None:
    buy(session, member, moment(session, 2026, 2, 1), 5_000)
    standing(session, member, 2026, 2, 1)
    change(session, (2026, 3, 10), silver=9_000)
    assert tiering.settle(session, [member.id], now=moment(session, 2026, 3, 11)) == 0
    assert session.get_one(Tier, member.tier_id).key == "silver"


def test_a_refund_is_judged_by_the_threshold_it_was_raised_by(session: Session, member: Member) -> None:
    line = buy(session, member, moment(session, 2026, 3, 9), 6_000)
    change(session, (2026, 3, 10), silver=9_000)
    refund(session, member, moment(session, 2026, 3, 12), line, 500)
    assert standing(session, member, 2026, 3, 12)[0] == "silver"
    refund(session, member, moment(session, 2026, 3, 13), line, 1_000)
    assert standing(session, member, 2026, 3, 13)[0] == "general"


def without(key: str) -> programme.Programme:
    kept = [
        {"key": each, "name": {"en": each}, "threshold": least} for each, least in THRESHOLDS.items() if each != key
    ]
    return programme.read({"brand": {"name": "A"}, "tiers": [{**kept[0], "threshold": 0}, *kept[1:]]})


def test_a_tier_that_is_no_more_is_kept_to_the_end_of_the_period(session: Session, member: Member) -> None:
    buy(session, member, moment(session, 2026, 2, 1), 15_000)
    assert standing(session, member, 2026, 2, 1) == ("gold", date(2027, 2, 28))
    programme.apply(session, without("gold"), by="Mei", now=moment(session, 2026, 3, 1))
    buy(session, member, moment(session, 2026, 9, 1), 40_000)
    assert standing(session, member, 2026, 9, 2) == ("gold", date(2027, 2, 28))
    assert standing(session, member, 2027, 3, 31) == ("silver", date(2028, 3, 31))
    other = make_member(session, registered_at=moment(session, 2026, 4, 1))
    buy(session, other, moment(session, 2026, 4, 2), 90_000)
    assert standing(session, other, 2026, 4, 2)[0] == "silver"
    missing = card.towards_next(session, other, now=moment(session, 2026, 4, 2))
    assert missing is None


def test_a_first_tier_that_is_no_more_hands_its_people_to_the_new_first(session: Session, member: Member) -> None:
    assert standing(session, member, 2026, 1, 2) == ("general", None)
    programme.apply(session, without("general"), by="Mei", now=moment(session, 2026, 3, 1))
    assert at_once(session, (2026, 3, 1)) == [member.id]
    assert session.get_one(Tier, member.tier_id).key == "silver"


def test_one_step_down_or_by_what_was_earned(session: Session, member: Member) -> None:
    """E40: the brand says how far one falls at the end of the grace."""
    buy(session, member, moment(session, 2026, 2, 1), 15_000)
    change(session, (2026, 2, 5), {"tiers_fall": "one_step"})
    assert standing(session, member, 2027, 3, 31) == ("silver", date(2028, 3, 31))


def came(session: Session, member: Member, when: datetime, store: str = "daan") -> None:
    event = Event(
        kind="visited", member_id=member.id, occurred_at=when, recorded_at=when, source="staff", object=store,
        day=calendar_of(session).day_of(when), data={"store": store, "how": "check_in"},
        dedupe_key=f"{member.id}:{store}:{when.isoformat()}",
    )  # fmt: skip
    session.add(event)
    session.flush()


@pytest.mark.parametrize("currency", ["TWD", "THB"])
def test_tiers_by_visits_count_days_in_a_store(session: Session, currency: str) -> None:
    """M65: the fifth day makes silver, two stores on a day are one day, and money counts for nothing."""
    the_brand(session).currency = currency
    change(session, (2026, 1, 1), {"tiers_by": "visits"}, silver=5, gold=10)
    member = make_member(session, registered_at=moment(session, 2026, 1, 1), created_at=moment(session, 2026, 1, 1))
    buy(session, member, moment(session, 2026, 1, 20), 9_000_000)
    for day in range(1, 5):
        came(session, member, moment(session, 2026, 2, day))
        came(session, member, moment(session, 2026, 2, day) + timedelta(hours=1), "shennong")
    assert standing(session, member, 2026, 2, 4)[0] == "general"
    missing = card.towards_next(session, member, now=moment(session, 2026, 2, 4))
    assert missing is not None
    words = [
        counted_words("en", each, measure="visits", currency=currency) for each in (missing.sum, missing.remaining)
    ]
    assert (words, missing.by) == (["4 visits", "1 visit"], date(2027, 1, 31))
    came(session, member, moment(session, 2026, 2, 5))
    assert raising.standing_low(session, now=moment(session, 2026, 2, 5)) == [member.id]
    assert standing(session, member, 2026, 2, 5) == ("silver", date(2027, 2, 28))


def test_a_check_in_raises_at_once_where_tiers_go_by_visits(session: Session) -> None:
    change(session, (2026, 1, 1), {"tiers_by": "visits"}, silver=1, gold=10)
    member = make_member(session, registered_at=moment(session, 2026, 1, 1), created_at=moment(session, 2026, 1, 1))
    visiting.visit(session, member, make_store(session), staff_id=None, now=moment(session, 2026, 2, 1))
    assert session.get_one(Tier, member.tier_id).key == "silver"
    line = session.scalars(select(TierLine).where(TierLine.reason == "upgraded")).one()
    assert tier_reason(line, "en", "TWD") == "1 visit in 365 days; the tier takes 1 visit."


def test_the_job_applies_the_plan_and_raises_once(sessions: Sessions) -> None:
    with sessions.writing() as session:
        change(session, (2026, 1, 1))
        member = make_member(session, registered_at=moment(session, 2026, 1, 1), created_at=moment(session, 2026, 1, 1))
        buy(session, member, moment(session, 2026, 2, 1), 12_500)
        standing(session, member, 2026, 2, 1)
        plan = {"applies_at": moment(session, 2026, 3, 10), "now": moment(session, 2026, 2, 2)}
        programme.plan(session, file(gold=12_000), by="Mei", **plan)
        later, member_id = moment(session, 2026, 3, 10), member.id
        session.commit()
    assert run(sessions, now=later, progress=lambda words: None) == {"applied": 1, "raised": 1}
    assert run(sessions, now=later, progress=lambda words: None) == {"applied": 0, "raised": 0}
    with sessions.reading() as session:
        assert session.get_one(Tier, session.get_one(Member, member_id).tier_id).key == "gold"
        assert session.scalars(select(Ladder.settled_at)).all().count(None) == 0
