"""Points are used, given back, given and taken by hand; what ran out goes; and nobody spends them twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict, Invalid, NotFound, Refusal
from domain.operations import automating, pointing, spending
from domain.operations.expiring_points import expire_some
from domain.operations.purchasing import Line, record_order
from domain.reports.points import balance_of, differing, liability
from models.automation import Automation
from models.member import Member
from models.outbox import OutgoingMessage
from models.points import PointLine, PointLot
from models.programme import the_brand
from models.session import Sessions
from models.staff import AuditLine, Staff
from tests.support.factories import make_member
from tests.support.moments import NOW
from tests.support.purse import have_points, lines_of, lots_of, put_points, worth

DAY = timedelta(days=1)


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session)


@pytest.fixture
def staff_id(session: Session) -> int:
    staff = Staff(login="mei", name="Mei", role="marketer", language="en", created_at=NOW, password_hash="x")
    session.add(staff)
    session.flush()
    return staff.id


def usable(session: Session, member: Member, now: datetime) -> int:
    return balance_of(session, member.id, now=now).usable


def test_what_is_used_comes_from_what_ends_first(session: Session, member: Member, now: datetime) -> None:
    late = put_points(session, member, 50, at=now, expires_at=now + 300 * DAY)
    put_points(session, member, 50, at=now, expires_at=now + 30 * DAY)
    spending.spend(session, member, points=70, ref="a", now=now)
    assert [(line_id, left) for line_id, left, *_ in lots_of(session, member)] == [(late.id, 30)]
    assert worth(session, member) == 30


def test_what_is_on_its_way_cannot_be_used(session: Session, member: Member, now: datetime) -> None:
    put_points(session, member, 50, at=now, usable_at=now + 7 * DAY)
    with pytest.raises(Conflict, match="0 can be used now, 50 more are on their way"):
        spending.spend(session, member, points=10, ref="a", now=now)
    spending.spend(session, member, points=10, ref="a", now=now + 7 * DAY)
    assert worth(session, member) == 40


def test_more_than_there_is_cannot_be_used_nor_nothing(session: Session, member: Member, now: datetime) -> None:
    put_points(session, member, 50, at=now)
    with pytest.raises(Conflict, match="50 can be used now"):
        spending.spend(session, member, points=51, ref="a", now=now)
    for none in (0, -5):
        with pytest.raises(Invalid):
            spending.spend(session, member, points=none, ref="a", now=now)
    assert worth(session, member) == 50


def test_what_ran_out_an_hour_ago_cannot_be_used_though_the_night_has_not_come(
    session: Session, member: Member, now: datetime
) -> None:
    put_points(session, member, 50, at=now, expires_at=now + DAY)
    with pytest.raises(Conflict):
        spending.spend(session, member, points=10, ref="a", now=now + DAY + timedelta(hours=1))


def test_the_same_again_is_the_same_and_another_under_its_id_is_refused(
    session: Session, member: Member, now: datetime
) -> None:
    put_points(session, member, 50, at=now)
    first = spending.spend(session, member, points=20, ref="a", now=now)
    again = spending.spend(session, member, points=20, ref="a", now=now + DAY)
    assert (first.is_new, again.is_new, again.line.id) == (True, False, first.line.id)
    with pytest.raises(Conflict, match="used before"):
        spending.spend(session, member, points=30, ref="a", now=now)
    assert worth(session, member) == 30


def test_a_use_is_taken_back_within_ten_minutes_to_where_it_came_from(
    session: Session, member: Member, staff_id: int, now: datetime
) -> None:
    put_points(session, member, 30, at=now, expires_at=now + 30 * DAY)
    put_points(session, member, 30, at=now, expires_at=now + 300 * DAY)
    before = lots_of(session, member)
    spending.spend(session, member, points=40, ref="a", staff_id=staff_id, now=now)
    for _ in range(2):
        spending.undo(session, member, ref="a", staff_id=staff_id, now=now + timedelta(minutes=9))
    assert lots_of(session, member) == before
    assert lines_of(session, member)[2:] == [("spent", -40), ("returned", 40)]
    actions = session.scalars(select(AuditLine.action).where(AuditLine.member_id == member.id).order_by(AuditLine.id))
    assert list(actions) == ["spent_points", "undid_points"]


def test_after_ten_minutes_it_stays_used(session: Session, member: Member, staff_id: int, now: datetime) -> None:
    put_points(session, member, 30, at=now)
    spending.spend(session, member, points=30, ref="a", staff_id=staff_id, now=now)
    with pytest.raises(Conflict, match="ten minutes"):
        spending.undo(session, member, ref="a", staff_id=staff_id, now=now + timedelta(minutes=11))
    with pytest.raises(NotFound):
        spending.undo(session, make_member(session), ref="a", staff_id=staff_id, now=now)


def test_points_used_on_an_order_come_back_when_all_of_it_is_paid_back(
    session: Session, member: Member, now: datetime
) -> None:
    put_points(session, member, 30, at=now)
    spending.spend(session, member, points=30, ref="a", order_ref="W1", source="shop", now=now)
    for amount, left in ((200, 0), (300, 30)):
        for ref, line in (
            ("W1", Line(1, "tea", 500)), (f"R{amount}", Line(1, "tea", amount, kind="refund", refund_of="W1")),
        ):  # fmt: skip
            record_order(
                session, order_ref=ref, member_id=member.id, paid_at=now, lines=[line], source="shop", now=now + DAY
            )
        assert usable(session, member, now + DAY) == left
    assert pointing.settle(session, [member.id], now=now + 2 * DAY) == 0
    assert worth(session, member) == 30


def test_points_given_and_taken_by_hand_say_why_and_are_audited(
    session: Session, member: Member, staff_id: int, now: datetime
) -> None:
    for _ in range(2):  # the same form sent twice
        spending.adjust(session, member, points=50, reason=" a late  parcel ", ref="f1", staff_id=staff_id, now=now)
    spending.adjust(session, member, points=-20, reason="given twice", ref="f2", staff_id=staff_id, now=now)
    assert lines_of(session, member) == [("adjusted", 50), ("adjusted", -20)]
    assert session.scalar(select(AuditLine.data).order_by(AuditLine.id)) == {"points": 50, "why": "a late parcel"}
    assert session.scalar(select(PointLine.evidence).order_by(PointLine.id)) == {"why": "a late parcel"}


def test_an_adjustment_needs_a_reason_and_takes_no_more_than_there_is(
    session: Session, member: Member, staff_id: int, now: datetime
) -> None:
    put_points(session, member, 30, at=now)
    with pytest.raises(Invalid, match="say why"):
        spending.adjust(session, member, points=5, reason=" ", ref="f1", staff_id=staff_id, now=now)
    with pytest.raises(Conflict, match="only 30"):
        spending.adjust(session, member, points=-31, reason="too many", ref="f2", staff_id=staff_id, now=now)
    assert worth(session, member) == 30


def test_the_night_takes_what_ran_out_once_line_by_line(session: Session, now: datetime) -> None:
    people = [make_member(session) for _ in range(3)]
    for person in people:
        put_points(session, person, 30, at=now, expires_at=now + DAY)
        put_points(session, person, 20, at=now, expires_at=now + DAY)
        put_points(session, person, 7, at=now, expires_at=now + 90 * DAY)
    assert expire_some(session, now=now + DAY) == 0  # the last second still counts
    assert expire_some(session, now=now + 2 * DAY, limit=2) == 2  # and then it was killed
    assert expire_some(session, now=now + 2 * DAY) == 1
    assert expire_some(session, now=now + 2 * DAY) == 0
    for person in people:
        assert lines_of(session, person)[3:] == [("expired", -30), ("expired", -20)]
        assert worth(session, person) == 7


def test_what_comes_back_after_its_end_is_taken_again_by_the_night(
    session: Session, member: Member, staff_id: int, now: datetime
) -> None:
    put_points(session, member, 30, at=now, expires_at=now + DAY)
    spending.spend(session, member, points=20, ref="a", staff_id=staff_id, now=now + DAY)
    late = now + DAY + timedelta(minutes=5)
    while expire_some(session, now=late):
        pass
    spending.undo(session, member, ref="a", staff_id=staff_id, now=late)
    assert worth(session, member) == 0
    assert expire_some(session, now=late + DAY) == 0


def test_taking_away_at_night_equals_replaying_the_ledger(session: Session, now: datetime) -> None:
    at_night, replayed = make_member(session), make_member(session)
    for person in (at_night, replayed):
        put_points(session, person, 30, at=now, expires_at=now + DAY)
        put_points(session, person, 30, at=now, expires_at=now + 9 * DAY)
        spending.spend(session, person, points=10, ref=f"a{person.id}", now=now)
    pointing.settle(session, [replayed.id], now=now + 2 * DAY)
    expire_some(session, now=now + 2 * DAY)
    assert lines_of(session, at_night) == lines_of(session, replayed)
    before = lots_of(session, at_night)
    pointing.put_in_step(session, [at_night.id], now=now + 2 * DAY)
    assert lots_of(session, at_night) == before


def test_the_proof_finds_a_lot_that_was_tampered_with_and_replay_mends_it(
    session: Session, member: Member, now: datetime
) -> None:
    put_points(session, member, 30, at=now)
    put_points(session, make_member(session), 10, at=now)
    lot = session.scalars(select(PointLot).where(PointLot.member_id == member.id)).one()
    lot.remaining = 31
    session.flush()
    assert differing(session) == [member.id]
    pointing.put_in_step(session, [member.id], now=now)
    assert worth(session, member) == 30


def test_what_the_brand_owes_by_the_month_it_ends(session: Session, member: Member, now: datetime) -> None:
    the_brand(session).point_cost = 0.5
    other = make_member(session)
    put_points(session, member, 100, at=now, expires_at=datetime.fromisoformat("2026-12-31T15:59:59Z"))
    put_points(session, other, 50, at=now, expires_at=datetime.fromisoformat("2026-12-31T16:00:00Z"))  # 1 January
    put_points(session, other, 8, at=now, usable_at=now + DAY)
    put_points(session, make_member(session), -5, at=now, usable_at=None)
    owed = liability(session, now=now)
    said = [(each.key, each.points, each.people, each.cost) for each in owed.endings]
    assert said == [("2026-12", 100, 1, 50), ("2027-01", 50, 1, 25), ("never", 8, 1, 4)]
    assert (owed.points, owed.cost, owed.pending, owed.debts, owed.debtors) == (158, 79, 8, -5, 1)


def test_many_tills_at_once_cannot_use_the_same_points(sessions: Sessions) -> None:
    with sessions.writing() as session:
        member = make_member(session)
        put_points(session, member, 100, at=NOW)
        session.commit()

    def till(n: int) -> str:
        with sessions.writing() as session:
            try:
                spending.spend(session, session.get_one(Member, member.id), points=30, ref=f"till{n % 6}", now=NOW)
            except Refusal as refusal:
                return refusal.code
            session.commit()
            return "spent"

    with ThreadPoolExecutor(6) as tills:
        said = sorted(tills.map(till, range(12)))
    with sessions.reading() as session:
        spent = session.scalar(select(func.count()).where(PointLine.reason == "spent"))
        assert spent == 3  # three ids won, each known when it came again
        assert set(said) == {"spent", "not_enough_points"}
        assert balance_of(session, member.id, now=NOW).usable == 10
        assert differing(session) == []


def test_orders_uses_and_the_night_at_once_keep_the_ledger_even(sessions: Sessions) -> None:
    with sessions.writing() as session:
        have_points(session, pending_days=0)
        people = [make_member(session).id for _ in range(4)]
        for id in people:
            put_points(session, session.get_one(Member, id), 40, at=NOW - 9 * DAY, expires_at=NOW - DAY)
            put_points(session, session.get_one(Member, id), 40, at=NOW - 9 * DAY)
        session.commit()

    def work(n: int) -> None:
        id, kind = people[n % 4], n % 3
        with sessions.writing() as session:
            member = session.get_one(Member, id)
            if kind == 0:
                lines = [Line(1, "tea", 500)]
                record_order(session, order_ref=f"O{n}", member_id=id, paid_at=NOW, lines=lines, source="pos", now=NOW)
            elif kind == 1:
                spending.spend(session, member, points=5, ref=f"s{n}", now=NOW)
            else:
                expire_some(session, now=NOW)
            session.commit()

    with ThreadPoolExecutor(6) as hands:
        list(hands.map(work, range(24)))
    with sessions.reading() as session:
        assert differing(session) == []
        total = session.scalar(select(func.sum(PointLine.points)))
        assert total == 4 * 40 + 8 * 5 - 8 * 5


def test_thirty_days_before_points_end_the_person_is_told_how_many(
    session: Session, member: Member, now: datetime
) -> None:
    texts = {"title": {"en": "{points} points end on {until}"}}
    row = Automation(
        key="points_ending", name={"en": "Points ending"}, kind="service", trigger={"on": "before_points_expire"},
        actions=[{"do": "say", "message": "points_ending", "texts": texts}],
    )  # fmt: skip
    session.add(row)
    session.flush()
    automating.enable(session, row, now=now)
    ends = calendar_of(session).last_second(date(2026, 4, 30))
    for points, expires_at in ((30, ends), (12, ends), (99, ends + 60 * DAY)):
        put_points(session, member, points, at=now, expires_at=expires_at)
    spent_all = make_member(session)
    put_points(session, spent_all, 30, at=now, expires_at=ends)
    spending.spend(session, spent_all, points=30, ref="all", now=now)
    for day in (20, 22, 23):
        then = now + day * DAY
        automating.enrol(session, row, now=then)
        while automating.act(session, now=then):
            pass
    letters = session.scalars(select(OutgoingMessage).where(OutgoingMessage.name == "points_ending")).all()
    assert [(each.member_id, each.messages[0]["altText"]) for each in letters] == [
        (member.id, "42 points end on Thu 30 Apr")
    ]
