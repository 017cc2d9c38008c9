"""A record that is only a phone or a LINE id joins who it turns out to be; two known people wait for staff (I12)."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.errors import Conflict
from domain.operations import leaving, naming, verifying
from domain.operations.importing_events import EventRow, import_events
from domain.operations.importing_members import MemberRow, import_members
from domain.operations.importing_purchases import PurchaseRow, import_purchases
from domain.operations.merging import merge
from domain.operations.purchasing import Line
from domain.operations.unmerging import unmerge
from models.event import Event
from models.member import Friend, Identity, Member
from models.merge import Merge, MergeProposal
from models.purchase import Purchase
from models.staff import Staff
from tests.support.factories import make_member, make_purchase

PHONE, E164 = "0912 345 678", "+886912345678"


@pytest.fixture
def staff(session, now):
    row = Staff(login="linker", name="L", role="store", created_at=now)
    session.add(row)
    session.flush()
    return row


def known_by(session, member, kind, value, *, at):
    session.add(Identity(member_id=member.id, kind=kind, value=value, created_at=at, verified_at=at))
    session.flush()


def test_a_record_that_is_only_a_phone_joins_who_verifies_it(session, staff, now):
    till = make_member(session, friend=False, name=None)
    known_by(session, till, "phone", E164, at=now)
    make_purchase(session, till, paid_at=now, amount=500, order_ref="till-1")
    friend = make_member(session)
    verifying.confirm_phone(session, friend, phone=PHONE, staff_id=staff.id, how="seen", now=now)
    made = session.scalars(select(Merge)).one()
    assert (made.reason, made.kept_id, made.gone_id) == ("verified_phone", friend.id, till.id)
    assert naming.find_members(session, [PHONE]) == {PHONE: friend.id}
    assert session.scalar(select(Purchase.member_id)) == friend.id
    verifying.confirm_phone(session, friend, phone=PHONE, staff_id=staff.id, how="seen", now=now)  # again: nothing


def test_a_phone_of_somebody_known_waits_for_staff(session, staff, now):
    till = make_member(session, friend=False)
    known_by(session, till, "phone", E164, at=now)
    known_by(session, till, "shop", "POS-7", at=now)
    friend = make_member(session)
    with pytest.raises(Conflict):
        verifying.confirm_phone(session, friend, phone=PHONE, staff_id=staff.id, how="seen", now=now)
    verifying.note_clash(session, friend, phone=PHONE, now=now)
    asked = session.scalars(select(MergeProposal)).one()
    assert {asked.low_id, asked.high_id} == {till.id, friend.id}
    assert asked.evidence == [{"kind": "phone", "value": "••• 678", "strength": "same"}]
    assert session.scalar(select(Merge.id)) is None


def test_the_shops_file_links_a_line_account_to_its_customer(session, now):
    friend = make_member(session, registered=False, name=None)
    line = session.scalar(select(Friend.user_id).where(Friend.member_id == friend.id))
    import_members(session, [MemberRow(member_ref="POS-7", name="Mei", joined_at=now)], source="till", now=now)
    rows = [MemberRow(member_ref="POS-7", line_user_id=line)]
    for outcome in ("accepted", "repeated"):
        loaded = import_members(session, rows, source="till", now=now)
        assert loaded.outcomes in (["accepted"], ["repeated"]), outcome
    found = naming.find_members(session, ["POS-7", line])
    assert found == {"POS-7": friend.id, line: friend.id}
    assert (friend.name, friend.is_member) == ("Mei", True)
    assert session.scalars(select(Merge.reason)).all() == ["line_id"]


def test_a_row_that_names_two_known_people_is_refused_and_asked_about(session, now):
    one, other = make_member(session, friend=False), make_member(session)
    known_by(session, one, "shop", "POS-1", at=now)
    known_by(session, other, "phone", E164, at=now)
    loaded = import_members(session, [MemberRow(member_ref="POS-1", phone=E164)], source="till", now=now)
    assert isinstance(loaded.outcomes[0], Conflict)
    asked = session.scalars(select(MergeProposal)).one()
    assert {asked.low_id, asked.high_id} == {one.id, other.id}
    assert asked.evidence[0]["strength"] == "same"
    assert session.scalar(select(Merge.id)) is None


def test_files_told_again_after_joining_change_nothing(session, now):
    kept, gone = make_member(session), make_member(session, friend=False)
    known_by(session, gone, "shop", "POS-7", at=now)
    happened = [EventRow("visited", "POS-7", now - timedelta(days=3), "pos", object="main")]
    bought = [PurchaseRow("T-1", "POS-7", now - timedelta(days=3), "pos", "", Line(1, "A", 500))]

    def tell():
        told = import_events(session, happened, now=now), import_purchases(session, bought, source="pos", now=now)
        return [each.outcomes[0] for each in told]

    assert tell() == ["accepted", "accepted"]
    made = merge(session, kept, gone, staff_id=None, now=now)
    assert tell() == ["repeated", "repeated"]
    unmerge(session, made, staff_id=None, now=now)
    assert tell() == ["repeated", "repeated"]
    assert session.scalars(select(Event.member_id).where(Event.kind == "visited")).all() == [gone.id]


def test_an_order_of_nobody_finds_its_buyer_through_the_joined_record(session, now):
    make_purchase(session, None, paid_at=now, amount=500, buyer_ref="POS-9", order_ref="early")
    kept, gone = make_member(session), make_member(session, friend=False)
    made = merge(session, kept, gone, staff_id=None, now=now)
    known_by(session, gone, "shop", "POS-9", at=now)
    import_purchases(session, [PurchaseRow("T-2", "POS-9", now, "pos", "", Line(1, "A", 100))], source="pos", now=now)
    assert set(session.scalars(select(Purchase.member_id))) == {kept.id}
    unmerge(session, made, staff_id=None, now=now)
    assert set(session.scalars(select(Purchase.member_id))) == {gone.id}


def test_being_forgotten_takes_every_joined_record_along(session, now):
    kept = make_member(session)
    gone = make_member(session, friend=False, name="Mei", phone=E164)
    known_by(session, gone, "phone", E164, at=now)
    made = merge(session, kept, gone, staff_id=None, evidence={"value": "678"}, now=now)
    leaving.erase(session, kept, by="member", now=now)
    for member in (kept, gone):
        assert (member.name, member.phone, member.erased_at) == (None, None, now)
    assert session.scalars(select(Identity.id)).all() == []
    session.refresh(made)
    assert (made.before, made.evidence) == ({}, {})
    with pytest.raises(Conflict, match="forgotten"):
        unmerge(session, made, staff_id=None, now=now)
    assert session.get(Member, gone.id).merged_into_id == kept.id
