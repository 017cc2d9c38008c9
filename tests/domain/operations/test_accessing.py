"""A period bought as a product: given once for its order, joined on when renewed, ended when paid back (M89)."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import automating, granting
from domain.operations.purchasing import Line, record_order
from domain.reports import card
from domain.rules import compile_rule, context_of, validate
from domain.rules._moving import movers
from domain.scores._movers import Since
from models.automation import Automation
from models.benefit import AccessLine
from models.member import Member
from models.outbox import OutgoingMessage
from models.session import Sessions
from tests.support.factories import make_member
from tests.support.purse import put_points

CLUB = {"key": "club", "days": 365, "grace_days": 14}
DAY = timedelta(days=1)
JUNE = datetime(2026, 6, 1, 2, 0, tzinfo=UTC)  # ten in the morning in Taipei


@pytest.fixture
def member(session: Session) -> Member:
    return make_member(session)


def grant(
    session: Session, member: Member, cause: str, now: datetime, days: int | None = 365, **more: Any
) -> AccessLine | None:
    value = {"key": "club", "grace_days": 14, **({"days": days} if days else {})}
    given = granting.grant(session, member_id=member.id, benefit={"access": value}, cause=cause, now=now, **more)
    assert given is None or isinstance(given, AccessLine)
    return given


def days_of(session: Session, member: Member) -> list[tuple[str, str]]:
    """First and last local day of each period that was not taken back."""
    calendar = calendar_of(session)
    lines = session.scalars(
        select(AccessLine)
        .where(AccessLine.member_id == member.id, AccessLine.ended_at.is_(None))
        .order_by(AccessLine.id)
    )
    return [
        (str(calendar.day_of(each.starts_at)), str(calendar.day_of(each.ends_at)) if each.ends_at else "")
        for each in lines
    ]


def holds(session: Session, member: Member, rule: Mapping[str, Any], now: datetime) -> bool:
    such = compile_rule(validate(dict(rule)), context_of(session, now))
    return session.scalar(select(Member.id).where(Member.id == member.id, such)) is not None


def test_a_year_ends_with_its_last_day_and_a_renewal_joins_on(session: Session, member: Member) -> None:
    assert grant(session, member, "a", JUNE)
    assert grant(session, member, "a", JUNE) is None
    assert grant(session, member, "b", JUNE + 300 * DAY)
    assert days_of(session, member) == [("2026-06-01", "2027-06-01"), ("2027-06-02", "2028-05-31")]
    calendar, lines = calendar_of(session), list(session.scalars(select(AccessLine).order_by(AccessLine.id)))
    assert lines[0].ends_at == calendar.last_second(date(2027, 6, 1))
    assert lines[1].starts_at == calendar.start(date(2027, 6, 2))


def test_within_the_days_of_grace_it_joins_on_and_after_them_it_begins_anew(session: Session, member: Member) -> None:
    late, later = make_member(session), make_member(session)
    for person in (late, later):
        grant(session, person, f"a{person.id}", JUNE, days=30)
    grant(session, late, "b", JUNE + 40 * DAY, days=30)
    grant(session, later, "c", JUNE + 46 * DAY, days=30)
    assert days_of(session, late) == [("2026-06-01", "2026-07-01"), ("2026-07-02", "2026-07-31")]
    assert days_of(session, later) == [("2026-06-01", "2026-07-01"), ("2026-07-17", "2026-08-16")]


def test_a_rule_knows_who_may_enter_with_and_without_grace(session: Session, member: Member) -> None:
    grant(session, member, "a", JUNE, days=30)
    has = {"condition": "has_access", "access": "club"}
    in_grace, lost = {**has, "grace_days": 14}, {**has, "state": "ended"}
    for days, expected in ((0, (True, True, False)), (30, (True, True, False)), (35, (False, True, True)),
                           (50, (False, False, True))):  # fmt: skip
        now = JUNE + days * DAY
        assert tuple(holds(session, member, rule, now) for rule in (has, in_grace, lost)) == expected, days
    stranger = make_member(session)
    assert not holds(session, stranger, lost, JUNE)
    assert not holds(session, stranger, has, JUNE)
    assert not holds(session, member, {**has, "access": "gold"}, JUNE)


def test_access_without_days_never_ends(session: Session, member: Member) -> None:
    grant(session, member, "a", JUNE, days=None)
    assert holds(session, member, {"condition": "has_access", "access": "club"}, JUNE + 9_999 * DAY)


def club(session: Session, now: datetime, **fields: Any) -> None:
    """The automation a programme file would have: whoever buys the period gets it, at once."""
    row = Automation(**{
        "key": "club", "name": {"en": "Club"}, "kind": "service", "trigger": {"on": "bought", "skus": ["CLUB"]},
        "actions": [{"do": "grant", "benefit": {"access": CLUB}}], **fields,
    })  # fmt: skip
    session.add(row)
    session.flush()
    automating.enable(session, row, now=now)


def run(session: Session, now: datetime) -> None:
    for automation in session.scalars(select(Automation).where(Automation.enabled_at.is_not(None))):
        automating.enrol(session, automation, now=now)
    while automating.act(session, now=now):
        pass


def order(
    session: Session, member: Member, ref: str, now: datetime, *lines: Line, paid_at: datetime | None = None
) -> None:
    record_order(
        session, order_ref=ref, member_id=member.id, paid_at=paid_at or now, lines=lines, source="pos", now=now
    )  # fmt: skip


def test_who_buys_a_period_has_it_once_and_other_purchases_give_none(session: Session, member: Member) -> None:
    club(session, JUNE)
    order(session, member, "A1", JUNE + DAY, Line(1, "CLUB", 1_200), Line(2, "tea", 300))
    run(session, JUNE + DAY)
    order(session, member, "A2", JUNE + 2 * DAY, Line(1, "tea", 300))
    run(session, JUNE + 2 * DAY)
    run(session, JUNE + 3 * DAY)
    assert days_of(session, member) == [("2026-06-02", "2027-06-02")]
    order(session, member, "A3", JUNE + 4 * DAY, Line(1, "CLUB", 1_200))
    run(session, JUNE + 4 * DAY)
    assert len(days_of(session, member)) == 2


def test_a_period_bought_long_ago_and_told_late_gives_none_by_itself(session: Session, member: Member) -> None:
    club(session, JUNE)
    order(session, member, "A1", JUNE + 9 * DAY, Line(1, "CLUB", 1_200), paid_at=JUNE + 5 * DAY)
    run(session, JUNE + 9 * DAY)
    assert days_of(session, member) == []


def test_the_refund_of_what_paid_for_it_ends_it_and_what_waited_moves_up(session: Session, member: Member) -> None:
    club(session, JUNE)
    for n in (1, 2):
        order(session, member, f"A{n}", JUNE + n * DAY, Line(1, "CLUB", 1_200), Line(2, "tea", 300))
        run(session, JUNE + n * DAY)
    assert days_of(session, member) == [("2026-06-02", "2027-06-02"), ("2027-06-03", "2028-06-01")]
    now = JUNE + 10 * DAY
    order(session, member, "R1", now, Line(1, "tea", 300, kind="refund", refund_of="A1"))
    assert len(days_of(session, member)) == 2
    order(session, member, "R2", now, Line(1, "CLUB", 1_200, kind="refund", refund_of="A1"))
    assert days_of(session, member) == [("2026-06-11", "2027-06-11")]
    assert holds(session, member, {"condition": "has_access", "access": "club"}, now)
    order(session, member, "R3", now + DAY, Line(1, "CLUB", 1_200, kind="refund", refund_of="A2"))
    assert days_of(session, member) == []
    assert not holds(session, member, {"condition": "has_access", "access": "club"}, now + 2 * DAY)


def test_a_period_paid_back_before_it_was_given_ends_at_once(session: Session, member: Member) -> None:
    club(session, JUNE, wait={"days": 1})
    order(session, member, "A1", JUNE + DAY, Line(1, "CLUB", 1_200))
    run(session, JUNE + DAY)
    order(session, member, "R1", JUNE + 1.5 * DAY, Line(1, "CLUB", 1_200, kind="refund", refund_of="A1"))
    run(session, JUNE + 3 * DAY)
    assert days_of(session, member) == []


def test_a_reminder_comes_before_the_end_unless_it_was_renewed(session: Session, member: Member) -> None:
    renewed = make_member(session)
    for person in (member, renewed):
        grant(session, person, f"a{person.id}", JUNE, days=90)
    grant(session, renewed, "b", JUNE + 10 * DAY, days=90)
    texts = {"title": {"en": "Your club ends on {until}"}, "body": {"en": "Renew in any store."}}
    club(
        session, JUNE, key="club_ends", trigger={"on": "before_access_ends", "access": "club", "days": 30},
        actions=[{"do": "say", "message": "club_ends", "texts": texts}],
    )  # fmt: skip
    for days in (59, 61, 75):
        run(session, JUNE + days * DAY)
    letters = session.scalars(select(OutgoingMessage).where(OutgoingMessage.name == "club_ends")).all()
    assert [each.member_id for each in letters] == [member.id]
    assert letters[0].messages[0]["altText"] == "Your club ends on Sun 30 Aug"


def test_days_below_nought_count_from_the_end(session: Session, member: Member) -> None:
    grant(session, member, "a", JUNE, days=90)
    texts = {"title": {"en": "We miss you in the club"}}
    club(
        session, JUNE, key="club_ended", trigger={"on": "before_access_ends", "access": "club", "days": -7},
        actions=[{"do": "say", "message": "club_ended", "texts": texts}],
    )  # fmt: skip
    said = select(OutgoingMessage.id).where(OutgoingMessage.name == "club_ended")
    run(session, JUNE + 96 * DAY)
    assert session.scalar(said) is None
    run(session, JUNE + 97 * DAY + timedelta(hours=1))
    assert session.scalar(said) is not None


def test_the_card_shows_what_runs_until_the_last_renewal_beside_the_free_tier(session: Session, member: Member) -> None:
    grant(session, member, "a", JUNE, days=30)
    grant(session, member, "b", JUNE + DAY, days=30)
    assert card.access_of(session, member, now=JUNE + 2 * DAY) == [("club", date(2026, 7, 31))]
    assert card.access_of(session, member, now=JUNE + 70 * DAY) == []
    grant(session, member, "c", JUNE + 90 * DAY, days=None)
    assert card.access_of(session, member, now=JUNE + 90 * DAY) == [("club", None)]


def test_the_night_asks_again_whoever_gained_or_lost_access_or_points_since(session: Session, member: Member) -> None:
    """`moved` names at least everyone whose answer changed between two looks."""
    soon, usable, ended = (make_member(session) for _ in range(3))
    grant(session, member, "a", JUNE, days=30)
    put_points(session, usable, 50, at=JUNE, usable_at=JUNE + 7 * DAY)
    put_points(session, ended, 50, at=JUNE, expires_at=JUNE + 9 * DAY)
    grant(session, soon, "b", JUNE + 20 * DAY, days=30)
    access = {"condition": "has_access", "access": "club", "grace_days": 5}
    rules = (access, {**access, "state": "ended"}, {"condition": "has_points", "points": 10})
    looks = [JUNE + n * DAY for n in (1, 6, 8, 10, 21, 33, 37, 60)]
    for before, after in pairwise(looks):
        since = Since(calendar_of(session).day_of(before), before, datetime.now(UTC))
        for rule in rules:
            then, now = (_holding(session, rule, moment) for moment in (before, after))
            asked = movers(validate(dict(rule)), since, context_of(session, after))
            assert asked is not None
            assert then ^ now <= set(session.scalars(asked)), (rule, before)


def _holding(session: Session, rule: Mapping[str, Any], now: datetime) -> set[int]:
    return set(session.scalars(select(Member.id).where(compile_rule(validate(dict(rule)), context_of(session, now)))))


def test_periods_given_at_once_follow_each_other_and_one_cause_gives_one(sessions: Sessions) -> None:
    with sessions.writing() as session:
        member = make_member(session)
        session.commit()

    def give(n: int) -> None:
        with sessions.writing() as session:
            grant(session, member, f"cause{n % 4}", JUNE, days=30)
            session.commit()

    with ThreadPoolExecutor(6) as hands:
        list(hands.map(give, range(12)))
    with sessions.reading() as session:
        lines = session.scalars(select(AccessLine).order_by(AccessLine.starts_at)).all()
        assert len(lines) == 4
        assert all(later.starts_at == earlier.ends_at + timedelta(seconds=1) for earlier, later in pairwise(lines))
