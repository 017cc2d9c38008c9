"""RFM on real rows of both databases (definitions §5)."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import scoring
from domain.scores import rfm
from models.member import Member
from models.score import MemberScore
from tests.support.factories import make_member, make_purchase

DAY = date(2026, 6, 30)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(4, 0), UTC)


def buyer(session: Session, *, last: int, times: int, amount: int) -> Member:
    """Bought on `times` days, the last one `last` days before DAY, `amount` in all."""
    member = make_member(session, registered_at=noon(date(2024, 1, 1)), created_at=noon(date(2024, 1, 1)))
    for n in range(times):
        each = amount // times + (amount % times if n == 0 else 0)
        make_purchase(session, member, paid_at=noon(DAY - timedelta(days=last + n)), amount=each)
    return member


def scored(session: Session, *members: Member, day: date = DAY) -> list[MemberScore]:
    ids = [member.id for member in members]
    scoring.score(session, day=day, ids=(min(ids), max(ids)))
    session.expire_all()
    return [session.get_one(MemberScore, each) for each in ids]


def digits(score: MemberScore) -> str:
    return f"{score.rfm_r}-{score.rfm_f}-{score.rfm_m}"


def test_EX_08_three_buyers(session: Session) -> None:
    mei = buyer(session, last=3, times=12, amount=8_000)
    qiang = buyer(session, last=90, times=1, amount=500)
    ting = buyer(session, last=14, times=4, amount=2_000)
    rows = scored(session, mei, qiang, ting)
    assert [digits(row) for row in rows] == ["5-5-3", "3-1-1", "5-3-2"]
    assert [row.rfm_group for row in rows] == ["loyal", "attention", "promising"]


def test_two_orders_of_a_day_are_one_purchase_and_refunded_ones_none(session: Session) -> None:
    member = buyer(session, last=10, times=1, amount=600)
    make_purchase(session, member, paid_at=noon(DAY - timedelta(days=10)) + timedelta(hours=6), amount=500)
    make_purchase(session, member, paid_at=noon(DAY - timedelta(days=5)), amount=0)
    (row,) = scored(session, member)
    assert (row.purchase_days, row.days_365, row.amount_365) == (1, 1, 1100)
    assert row.last_day == DAY - timedelta(days=10)
    assert digits(row) == "5-1-2"


def test_the_window_ends_after_365_days_but_recency_looks_back_for_ever(session: Session) -> None:
    inside, outside = buyer(session, last=364, times=1, amount=50), buyer(session, last=365, times=1, amount=50)
    rows = scored(session, inside, outside)
    assert [digits(row) for row in rows] == ["1-1-1", "0-0-0"]
    assert [row.rfm_group for row in rows] == ["asleep", "none"]
    assert rows[1].purchase_days == 1


def test_the_groups_never_overlap_and_leave_nobody_out(session: Session) -> None:
    from sqlalchemy import literal

    counted: dict[str, int] = {}
    columns = []
    for r in range(1, 6):
        for f in range(1, 6):
            columns += [rfm.group(literal(r), literal(f), literal(m)).label(f"g{r}{f}{m}") for m in range(1, 6)]
    for group in session.execute(select(*columns)).one():
        counted[group] = counted.get(group, 0) + 1
    assert counted == {
        "vip": 8, "loyal": 22, "new": 10, "promising": 20, "attention": 15, "at_risk": 38, "asleep": 12,
    }  # fmt: skip


def test_only_what_changed_is_written(session: Session) -> None:
    member = buyer(session, last=3, times=1, amount=500)
    ids = (member.id, member.id)
    assert scoring.score(session, day=DAY, ids=ids) == 1
    assert scoring.score(session, day=DAY, ids=ids) == 0
    assert scoring.score(session, day=DAY + timedelta(days=1), ids=ids) == 0
    assert scoring.score(session, day=DAY + timedelta(days=60), ids=ids) == 1


def test_days_are_the_shops_days(session: Session) -> None:
    member = make_member(session)
    late = datetime(2026, 6, 30, 15, 59, 59, tzinfo=UTC)
    make_purchase(session, member, paid_at=late, amount=100)
    assert calendar_of(session).day_of(late) == DAY
    make_purchase(session, member, paid_at=late + timedelta(seconds=1), amount=100)
    (row,) = scored(session, member)
    assert row.last_day == DAY
    assert row.days_365 == 1


def test_an_erased_person_has_no_score(session: Session) -> None:
    member = buyer(session, last=3, times=1, amount=500)
    scored(session, member)
    member.erased_at = noon(DAY)
    session.flush()
    scoring.score(session, day=DAY, ids=(member.id, member.id))
    session.expire_all()
    assert session.get(MemberScore, member.id) is None
