"""The condition brought_by_friend: the other side of a referral, also after the records were joined."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import merging
from domain.rules import compile_rule, context_of, sentence, validate, why
from models.member import Member
from models.mission import Referral
from tests.support.factories import make_member
from tests.support.moments import NOW

RULE = {"condition": "brought_by_friend", "days": 30}


def came(session: Session, *, by: Member, state: str = "succeeded", days_ago: int = 1) -> Member:
    person, at = make_member(session), NOW - timedelta(days=days_ago)
    session.add(Referral(referrer_id=by.id, person_id=person.id, clicked_at=at, state=state, state_at=at))
    session.flush()
    return person


def found(session: Session) -> set[int]:
    rule = compile_rule(validate(RULE), context_of(session, NOW))
    return set(session.scalars(select(Member.id).where(rule, Member.merged_into_id.is_(None))))


def test_only_who_came_counted_and_lately(session: Session) -> None:
    host = make_member(session)
    friend = came(session, by=host)
    came(session, by=host, state="clicked")
    came(session, by=host, state="refused")
    came(session, by=host, days_ago=31)
    assert found(session) == {friend.id}


def test_it_follows_the_person_through_records_joined_twice(session: Session) -> None:
    friend, middle, kept = came(session, by=make_member(session)), make_member(session), make_member(session)
    merging.merge(session, middle, friend, staff_id=None, now=NOW)
    merging.merge(session, kept, middle, staff_id=None, now=NOW)
    assert found(session) == {kept.id}


def test_it_says_itself_and_who_is_behind_it(session: Session) -> None:
    host = make_member(session)
    friend = came(session, by=host)
    assert sentence(validate(RULE), "en") == "was brought by a friend in the last 30 days"
    because = why(session, validate(RULE), friend.id, context_of(session, NOW))
    assert [host.ref in str(each.as_json()) for each in because] == [True]
