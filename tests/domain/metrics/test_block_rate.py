"""Blocked friends of all there ever were, on both databases (definitions §1)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from tests.support.factories import make_friend, make_member
from tests.support.journey import figure, happened, local, share


def test_as_they_stood_at_the_end(session: Session) -> None:
    at = local(session, date(2026, 2, 5))
    stayed, gone, back = (make_member(session, friend=False) for _ in range(3))
    for member in (stayed, gone, back):
        make_friend(session, member, at=at)
    for member, days in ((gone, 1), (back, 2)):
        happened(session, member, "unfollowed", at + timedelta(days=days))
        member.friend.is_following, member.friend.state_at = False, at + timedelta(days=days)
    march = local(session, date(2026, 3, 2))
    happened(session, back, "followed", march)
    back.friend.is_following, back.friend.state_at = True, march
    session.flush()
    assert share(figure(session, "block_rate", "2026-02", as_of=local(session, date(2026, 3, 20)))) == (2, 3)
    assert share(figure(session, "block_rate", "2026-03", as_of=local(session, date(2026, 4, 20)))) == (1, 3)
