"""Same person? Marketers join and part; the page shows the evidence; store staff and viewers may not."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.operations import proposing
from models.member import Identity, Member
from models.merge import Merge, MergeProposal
from models.purchase import Purchase
from models.staff import AuditLine
from tests.support.factories import make_member, make_purchase
from tests.support.moments import NOW

PAGE = "/console/same-person/"


@pytest.fixture
def pair(sessions):
    """A friend on LINE and what the till knows, who share an e-mail."""
    with sessions.writing() as session:
        friend = make_member(session, name="Mei Chen", email="mei@example.com")
        till = make_member(session, name="M. Chen", friend=False, email="mei@example.com")
        for member, verified in ((friend, None), (till, NOW)):
            session.add(
                Identity(
                    member_id=member.id, kind="email", value="mei@example.com", created_at=NOW, verified_at=verified
                )
            )
        make_purchase(session, till, paid_at=NOW - timedelta(days=3), amount=900, order_ref="till-1")
        assert proposing.find(session, now=NOW) == 1
        session.commit()
        return friend, till


def orders(sessions, member):
    with sessions.reading() as session:
        return session.scalars(select(Purchase.order_ref).where(Purchase.member_id == member.id)).all()


def test_a_pair_is_shown_with_its_evidence_joined_and_undone(signed_in, sessions, pair):
    friend, till = pair
    desk = signed_in("marketer")
    page = desk.get(PAGE).text
    for words in ("1 pair of records", "Both gave the e-mail m•••@example.com", "Mei Chen", "M. Chen", "NT$ 900"):
        assert words in page
    assert "Kept: it has the LINE account" in page
    answer = desk.post(f"{PAGE}join", {"first": friend.ref, "second": till.ref, "keep": friend.ref}, on=PAGE)
    assert answer.location.endswith(f"/members/{friend.ref}")
    assert orders(sessions, friend) == ["till-1"]
    assert "Nothing to decide" in desk.get(PAGE).text
    assert "Also known as" in desk.get(f"/console/members/{friend.ref}").text
    assert "Joined into another record" in desk.get(f"/console/members/{till.ref}").text
    listed = desk.get(f"{PAGE}joined").text
    assert "1 order" in listed
    undo = re.search(r'action="(/console/same-person/joined/\d+/undo)"', listed)
    desk.post(undo[1], on=f"{PAGE}joined")
    assert orders(sessions, till) == ["till-1"]
    assert "No records have been joined" in desk.get(f"{PAGE}joined").text
    with sessions.reading() as session:
        assert {"merged", "unmerged"} <= set(session.scalars(select(AuditLine.action)))


def test_two_people_are_not_asked_about_again(signed_in, sessions, pair):
    desk = signed_in("owner")
    apart = re.search(r'action="(/console/same-person/\d+/apart)"', desk.get(PAGE).text)
    desk.post(apart[1], on=PAGE)
    assert "Nothing to decide" in desk.get(PAGE).text
    with sessions.writing() as session:
        assert proposing.find(session, now=NOW) == 0
        assert session.scalar(select(MergeProposal.state)) == "apart"


def test_something_new_asks_again(sessions, signed_in, pair):
    desk, (friend, till) = signed_in("owner"), pair
    apart = re.search(r'action="(/console/same-person/\d+/apart)"', desk.get(PAGE).text)
    desk.post(apart[1], on=PAGE)
    with sessions.writing() as session:
        phone = {"kind": "phone", "value": "+886912345678"}
        session.add(Identity(member_id=till.id, **phone, created_at=NOW, verified_at=NOW))
        session.flush()
        proposing.note_clash(session, record_id=friend.id, **phone, now=NOW)
        session.commit()
    assert "Both were shown to have the phone ••• 678" in desk.get(PAGE).text


def test_the_line_account_is_never_lost(signed_in, sessions, pair):
    friend, till = pair
    page = signed_in("marketer").post(
        f"{PAGE}join", {"first": friend.ref, "second": till.ref, "keep": till.ref}, on=PAGE, follow_redirects=True
    )
    assert "keep the record that has the LINE account" in page.text
    with sessions.reading() as session:
        assert session.scalar(select(Merge.id)) is None


def test_any_two_people_can_be_compared_from_a_persons_page(signed_in, sessions, pair):
    friend, till = pair
    desk = signed_in("marketer")
    page = desk.get(f"{PAGE}compare", query_string={"one": friend.ref, "other": till.number}).text
    assert "M. Chen" in page
    nobody = desk.get(f"{PAGE}compare", query_string={"one": friend.ref, "other": "0900000000"})
    assert "Nobody else was found" in nobody.text


def test_with_both_on_line_staff_choose_which_is_kept(signed_in, sessions):
    with sessions.writing() as session:
        one, other = make_member(session, name="One"), make_member(session, name="Other")
        session.commit()
    desk = signed_in("marketer")
    page = desk.get(f"{PAGE}compare", query_string={"one": one.ref, "other": other.ref}).text
    assert "messages go to the LINE account of the one you keep" in page
    assert page.count('type="radio"') == 2
    desk.post(f"{PAGE}join", {"first": one.ref, "second": other.ref, "keep": other.ref}, on=PAGE)
    with sessions.reading() as session:
        assert session.get(Member, one.id).merged_into_id == other.id


@pytest.mark.parametrize("role", ["viewer", "store"])
def test_others_neither_see_nor_decide(signed_in, sessions, pair, role, store):
    friend, till = pair
    desk = signed_in(role, **({"store_id": store.id} if role == "store" else {}))
    assert desk.get(PAGE).status_code == 403
    answer = desk.post(f"{PAGE}join", {"first": friend.ref, "second": till.ref, "keep": friend.ref}, on=PAGE)
    assert "your role does not include it" in desk.get(answer.location).text
    with sessions.reading() as session:
        assert session.scalar(select(Merge.id)) is None
