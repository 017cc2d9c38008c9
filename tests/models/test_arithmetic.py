from datetime import UTC, date, datetime, timedelta

from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from models.arithmetic import days_later, hours_later, list_holds, local_day
from models.campaign import Recipient
from models.member import Member
from tests.support.factories import make_member
from tests.support.journey import make_campaign, send
from tests.support.moments import NOW


def test_moments_move_by_hours_and_compare_with_stored_ones(session: Session) -> None:
    at = datetime(2026, 3, 1, 16, 30, 0, 123000, tzinfo=UTC)
    member = make_member(session, created_at=at, registered_at=at + timedelta(hours=72))
    moved = session.scalar(select(hours_later(Member.created_at, 72)).where(Member.id == member.id))
    assert moved == at + timedelta(hours=72)
    on_time = Member.registered_at <= hours_later(Member.created_at, 72)
    assert session.scalar(select(Member.id).where(Member.id == member.id, on_time)) == member.id
    early = Member.registered_at <= hours_later(Member.created_at, 71)
    assert session.scalar(select(Member.id).where(Member.id == member.id, early)) is None


def test_days_move_over_a_leap_day(session: Session) -> None:
    assert session.scalar(select(days_later(literal(date(2028, 2, 28)), 2))) == date(2028, 3, 1)


def test_the_local_day_begins_at_local_midnight(session: Session) -> None:
    for hour, day in ((15, 9), (16, 10)):
        member = make_member(session, created_at=datetime(2026, 3, 9, hour, 0, tzinfo=UTC))
        found = select(local_day(Member.created_at, "Asia/Taipei")).where(Member.id == member.id)
        assert session.scalar(found) == date(2026, 3, day)


def test_summer_time_is_known(session: Session) -> None:
    member = make_member(session, created_at=datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
    found = select(local_day(Member.created_at, "Europe/London")).where(Member.id == member.id)
    assert session.scalar(found) == date(2026, 7, 2)


def test_a_json_list_holds_whole_words_only(session: Session) -> None:
    member = make_member(session)
    campaign = make_campaign(session, "words", at=NOW)
    send(session, campaign, member, at=NOW, segments=["新客", "vip gold", 'a "quoted" one'])
    for word, holds in (("新客", True), ("vip gold", True), ("vip", False), ('a "quoted" one', True)):
        found = select(list_holds(Recipient.segments, word)).where(Recipient.member_id == member.id)
        assert bool(session.scalar(found)) is holds
