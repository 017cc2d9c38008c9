"""Smaller scores of one person: funnel_stage, amount_trend, category_affinity, and what the models read."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy.orm import Session

from domain.operations import purchasing, scoring
from domain.operations.purchasing import Line
from domain.operations.recording import record
from models.member import Member
from models.score import MemberScore
from tests.support.factories import make_member, make_purchase, numbers

DAY = date(2026, 6, 30)


def ago(days: int) -> datetime:
    return datetime.combine(DAY - timedelta(days=days), time(4, 0), UTC)


def score_of(session: Session, member: Member) -> MemberScore:
    scoring.score(session, day=DAY, ids=(member.id, member.id))
    session.expire_all()
    return session.get_one(MemberScore, member.id)


@pytest.mark.parametrize(
    ("events", "bought", "stage"),
    [
        ([], [], None),
        (["browsed"], [], "browse"),
        (["favourited", "carted"], [], "cart"),
        (["carted", "browsed"], [5], "order"),
        (["picked_up"], [5], "pick_up"),
        (["picked_up"], [5, 4], "repurchase"),
        ([], [30], None),
        ([], [29], "order"),
    ],
)
def test_how_far_on_the_way_to_buying(
    session: Session, events: list[str], bought: list[int], stage: str | None
) -> None:
    member = make_member(session)
    for kind in events:
        record(session, kind, member_id=member.id, source="shop", object="tea", occurred_at=ago(3), now=ago(3))
    for days in bought:
        make_purchase(session, member, paid_at=ago(days), amount=100)
    assert score_of(session, member).funnel_stage == stage


@pytest.mark.parametrize(
    ("now", "before", "percent"),
    [(150, 100, 150), (1, 3, 33), (2, 3, 67), (0, 100, 0), (100, 0, None), (10**9, 1, 10_000)],
)
def test_more_or_less_than_before(session: Session, now: int, before: int, percent: int | None) -> None:
    member = make_member(session)
    for amount, days in ((now, 179), (before, 180), (7, 360)):
        if amount:
            make_purchase(session, member, paid_at=ago(days), amount=amount)
    assert score_of(session, member).amount_trend == percent


def buy(session: Session, member: Member, days: int, *categories: str, amount: int = 100) -> None:
    lines = [Line(n, "x", amount, category=each) for n, each in enumerate(categories, 1)]
    purchasing.record_order(
        session, order_ref=f"A{next(numbers)}", paid_at=ago(days), lines=lines, member_id=member.id, source="pos",
        now=ago(days),
    )  # fmt: skip


def test_what_is_bought_on_most_days_comes_first(session: Session) -> None:
    member, other = make_member(session), make_member(session)
    buy(session, member, 3, "茶", "茶", "cups")  # twice on a day is one day
    buy(session, member, 9, "茶", "honey", amount=5)
    buy(session, member, 20, "cups", "bags", "")
    buy(session, member, 364, "茶")
    buy(session, member, 365, "honey", "honey")  # too long ago
    buy(session, other, 3, 'say "tea"')
    assert score_of(session, member).affinity == [["茶", 3], ["cups", 2], ["bags", 1]]
    assert score_of(session, other).affinity == [['say "tea"', 1]]
    assert score_of(session, make_member(session)).affinity is None


def test_the_models_read_the_days_after_the_first_of_three_years(session: Session) -> None:
    member, old = make_member(session), make_member(session)
    for days, amount in ((1095, 1), (1094, 10), (500, 100), (500, 50), (20, 1000)):
        make_purchase(session, member, paid_at=ago(days), amount=amount)
    make_purchase(session, old, paid_at=ago(1095), amount=1)
    score = score_of(session, member)
    assert (score.model_from, score.repeat_days, score.repeat_amount) == (DAY - timedelta(days=1094), 2, 1150)
    assert score_of(session, old).model_from is None
