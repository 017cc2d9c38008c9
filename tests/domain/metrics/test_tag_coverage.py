"""Tag coverage on both databases (definitions §4.1)."""

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from domain.metrics._shape import Figure
from domain.reports.judging import change
from models.member import Member
from models.programme import Tag
from tests.support.factories import make_member, make_tag
from tests.support.journey import figure, give_tag, happened, local, share

LAST = date(2026, 2, 28)


@pytest.fixture
def friends(session: Session) -> list[Member]:
    joined = local(session, date(2025, 12, 1))
    return [make_member(session, created_at=joined, registered_at=joined) for _ in range(10)]


def block(session: Session, member: Member, day: date) -> None:
    at = local(session, day)
    happened(session, member, "unfollowed", at)
    assert member.friend
    member.friend.is_following, member.friend.state_at = False, at


def coverage(session: Session, month: str = "2026-02") -> tuple[int, int]:
    return share(figure(session, "tag_coverage", month, as_of=local(session, date(2026, 3, 10))))


def test_EX_02_ten_friends(session: Session, friends: list[Member]) -> None:
    given = local(session, date(2026, 1, 20))
    skincare, female, behaviour = (make_tag(session, key) for key in ("skincare", "female", "browsed-often"))
    everyone = make_tag(session, "all friends", kind="system", counts_for_coverage=False)
    opted_out = make_tag(session, "opted out", kind="system", counts_for_coverage=False)
    archived = make_tag(session, "old", archived_at=local(session, date(2026, 2, 1)))
    holders: dict[int, list[Tag]] = {
        1: [skincare], 2: [everyone], 4: [female], 5: [skincare, female], 6: [archived], 8: [opted_out], 9: [skincare],
    }  # fmt: skip
    for n, tags in holders.items():
        for tag in tags:
            give_tag(session, friends[n - 1], tag, at=given)
    give_tag(session, friends[2], behaviour, at=given, expires_at=local(session, LAST - timedelta(days=1), 23))
    for n in (9, 10):
        block(session, friends[n - 1], date(2026, 2, 10))
    assert coverage(session) == (3, 8)
    moved = change(Figure(3, 8), Figure(2, 8), exact=True)
    assert moved
    assert (round(moved.value * 100, 1), moved.trend, moved.interval) == (12.5, "up", None)


def test_a_past_month_end_is_seen_as_it_was(session: Session, friends: list[Member]) -> None:
    tag = make_tag(session, "skincare")
    give_tag(session, friends[0], tag, at=local(session, date(2026, 1, 5)), removed_at=local(session, date(2026, 2, 5)))
    give_tag(session, friends[1], tag, at=local(session, date(2026, 2, 5)))
    give_tag(session, friends[2], tag, at=local(session, date(2026, 1, 31), 23, 59))
    block(session, friends[2], date(2026, 2, 1))
    assert coverage(session, "2026-01") == (2, 10)
    assert coverage(session, "2026-02") == (1, 9)


def test_unblocking_brings_a_friend_back(session: Session, friends: list[Member]) -> None:
    block(session, friends[0], date(2026, 1, 10))
    back = local(session, date(2026, 2, 10))
    happened(session, friends[0], "followed", back)
    assert friends[0].friend
    friends[0].friend.is_following, friends[0].friend.state_at = True, back
    assert coverage(session, "2026-01") == (0, 9)
    assert coverage(session, "2026-02") == (0, 10)


def test_a_tag_on_everyone_separates_nobody(session: Session) -> None:
    joined = local(session, date(2025, 12, 1))
    common, rare = make_tag(session, "likes us"), make_tag(session, "skincare")
    people = [make_member(session, created_at=joined) for _ in range(100)]
    for member in people[:95]:
        give_tag(session, member, common, at=joined)
    give_tag(session, people[0], rare, at=joined)
    assert coverage(session) == (1, 100)
    block(session, people[0], date(2026, 2, 2))
    # With 99 friends no tag is on everyone any more.
    assert coverage(session) == (94, 99)


def test_staff_test_records_and_the_erased_are_left_out(session: Session, friends: list[Member]) -> None:
    friends[0].is_test = friends[1].is_staff = True
    friends[2].erased_at = local(session, LAST)
    session.flush()
    assert coverage(session) == (0, 7)
