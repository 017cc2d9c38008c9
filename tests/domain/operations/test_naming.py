"""A reference finds a person by whatever names them, and never by what they only claim."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from domain.operations import leaving
from domain.operations.naming import find_members, normal_phone
from models.member import Identity
from tests.support.factories import make_friend, make_member


def test_any_reference_finds_its_person(session: Session, now: datetime) -> None:
    member = make_member(session, friend=False)
    user_id = make_friend(session, member).user_id
    for kind, value in (("phone", "+886912345678"), ("email", "mei@example.com"), ("shop", "POS-7"), ("card", "99001")):
        session.add(Identity(member_id=member.id, kind=kind, value=value, created_at=now, verified_at=now))
    session.flush()
    refs = [
        member.ref, user_id, "0912-345-678", "+886 912 345 678", "０９１２３４５６７８", "Mei@Example.com", "POS-7",
        member.number, member.number.replace(" ", ""),
    ]  # fmt: skip
    assert find_members(session, refs) == dict.fromkeys(refs, member.id)


def test_a_claimed_phone_finds_nobody(session: Session, now: datetime) -> None:
    member = make_member(session)
    session.add(Identity(member_id=member.id, kind="phone", value="+886912345678", created_at=now))
    session.flush()
    assert find_members(session, ["0912345678", "", "nobody", f"{member.id:012d}", f"{member.id:016d}"]) == {}


def test_a_forgotten_person_is_not_found_by_their_card(session: Session, now: datetime) -> None:
    member = make_member(session)
    printed = member.number
    leaving.erase(session, member, by="member", now=now)
    assert find_members(session, [printed, member.number]) == {}


def test_a_merged_record_answers_with_the_kept_one(session: Session) -> None:
    kept = make_member(session)
    gone = make_member(session, merged_into_id=kept.id)
    assert find_members(session, [gone.ref]) == {gone.ref: kept.id}


@pytest.mark.parametrize("text", ["", "phone", "12", "0912-345-67890123456"])
def test_what_is_no_phone_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        normal_phone(text, "TW")
