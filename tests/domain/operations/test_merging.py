"""Two records become one person and two again, with everything that happened on either, before and meanwhile."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from domain.errors import Conflict
from domain.operations import joining, merging, naming, purchasing, resolving, tagging
from domain.operations.merging import merge
from domain.operations.purchasing import Line
from domain.operations.recording import record
from domain.operations.unmerging import unmerge
from models.base import Base
from models.event import Event
from models.member import Identity, Member
from models.merge import Merge, MergeProposal
from models.programme import MemberTag
from models.purchase import Purchase
from models.staff import AuditLine, Staff
from models.store import Booking
from tests.support.factories import make_member, make_purchase, make_slot, make_store, make_tag


@pytest.fixture
def staff(session, now):
    row = Staff(login="merger", name="M", role="owner", created_at=now)
    session.add(row)
    session.flush()
    return row


@pytest.fixture
def pair(session, now):
    """A LINE friend, and what the till knows under a number of its own."""
    friend = make_member(session, name="Mei", phone=None)
    till = make_member(session, friend=False, name="Mei Chen", phone="+886912345678", gender="f")
    session.add(Identity(member_id=till.id, kind="shop", value="POS-7", created_at=now, verified_at=now))
    session.flush()
    return friend, till


def orders_of(session, member):
    return set(session.scalars(select(Purchase.order_ref).where(Purchase.member_id == member.id)))


def kinds_of(session, member):
    return sorted(session.scalars(select(Event.kind).where(Event.member_id == member.id)))


def sell(session, member, ref, *, now, amount=500):
    return purchasing.record_order(
        session, order_ref=ref, paid_at=now, lines=[Line(1, "A", amount)], member_id=member.id, source="test", now=now
    )


def test_the_kept_record_answers_for_both(session, staff, pair, now):
    kept, gone = pair
    make_purchase(session, kept, paid_at=now, amount=100, order_ref="mine")
    make_purchase(session, gone, paid_at=now, amount=900, order_ref="till")
    record(session, "visited", member_id=gone.id, source="test", now=now)
    merge(session, kept, gone, staff_id=staff.id, evidence={"kind": "phone"}, now=now)
    assert naming.find_members(session, ["POS-7", gone.ref]) == {"POS-7": kept.id, gone.ref: kept.id}
    assert orders_of(session, kept) == {"mine", "till"}
    assert "visited" in kinds_of(session, kept)
    assert (kept.name, kept.phone, kept.gender) == ("Mei", "+886912345678", "f")
    actions = session.scalars(select(AuditLine.action).where(AuditLine.member_id == kept.id)).all()
    assert actions == ["merged"]


def test_what_happened_meanwhile_goes_back_to_the_record_it_happened_on(session, staff, pair, now):
    kept, gone = pair
    made = merge(session, kept, gone, staff_id=staff.id, now=now)
    sell(session, gone, "by-till", now=now)
    sell(session, kept, "by-line", now=now)
    assert orders_of(session, kept) == {"by-till", "by-line"}
    unmerge(session, made, staff_id=staff.id, now=now + timedelta(hours=1))
    assert (orders_of(session, kept), orders_of(session, gone)) == ({"by-line"}, {"by-till"})
    assert kinds_of(session, gone).count("conversion_completed") == 1
    assert session.get(Member, kept.id).phone is None
    assert naming.find_members(session, ["POS-7"]) == {"POS-7": gone.id}
    assert [each for each in kinds_of(session, gone) if "merged" in each] == ["merged", "unmerged"]


def test_whoever_acts_by_the_gone_record_acts_as_the_kept_one(session, staff, now):
    first, second = make_member(session), make_member(session)
    made = merge(session, first, second, staff_id=staff.id, now=now)
    person = resolving.the_person(session, session.get(Member, second.id))
    assert person.id == first.id
    record(session, "clicked", member_id=person.id, source="line", now=now)
    assert "clicked" in kinds_of(session, first)
    resolving.the_person(session, first)
    record(session, "texted", member_id=first.id, source="line", now=now)
    unmerge(session, made, staff_id=staff.id, now=now)
    assert "clicked" in kinds_of(session, second)
    assert "texted" in kinds_of(session, first)


def test_merges_of_merges_come_apart_in_any_order(session, staff, now):
    a, b, c = (make_member(session, friend=False) for _ in range(3))
    for member in (a, b, c):
        make_purchase(session, member, paid_at=now, amount=100, order_ref=f"of-{member.id}")
    inner = merge(session, b, c, staff_id=staff.id, now=now)
    outer = merge(session, a, b, staff_id=staff.id, now=now)
    assert len(orders_of(session, a)) == 3
    assert naming.find_members(session, [c.ref]) == {c.ref: a.id}
    unmerge(session, inner, staff_id=staff.id, now=now)
    assert orders_of(session, c) == {f"of-{c.id}"}
    unmerge(session, outer, staff_id=staff.id, now=now)
    assert [orders_of(session, each) for each in (a, b)] == [{f"of-{a.id}"}, {f"of-{b.id}"}]


def test_what_cannot_be_joined_is_refused_with_what_to_do(session, staff, pair, now):
    friend, till = pair
    with pytest.raises(Conflict, match="keep the record that has the LINE"):
        merge(session, till, friend, staff_id=staff.id, now=now)
    with pytest.raises(Conflict, match="one record already"):
        merge(session, friend, friend, staff_id=staff.id, now=now)
    with pytest.raises(Conflict, match="test record"):
        merge(session, friend, make_member(session, is_test=True, friend=False), staff_id=staff.id, now=now)
    with pytest.raises(Conflict, match="forgotten"):
        merge(session, friend, make_member(session, erased_at=now, friend=False), staff_id=staff.id, now=now)
    made = merge(session, friend, till, staff_id=staff.id, now=now)
    for one, other in ((friend, till), (till, friend), (till, make_member(session, friend=False))):
        with pytest.raises(Conflict, match="meanwhile"):
            merge(session, one, other, staff_id=staff.id, now=now)
    unmerge(session, made, staff_id=staff.id, now=now)
    with pytest.raises(Conflict, match="parted already"):
        unmerge(session, made, staff_id=staff.id, now=now)


def test_refusal_of_marketing_wins_and_comes_back_as_it_was(session, staff, now):
    kept = make_member(session, marketing_consent=True, marketing_consent_at=now - timedelta(days=2))
    gone = make_member(session, friend=False, marketing_consent=False, marketing_consent_at=now - timedelta(days=9))
    made = merge(session, kept, gone, staff_id=staff.id, now=now)
    assert kept.marketing_consent is False
    unmerge(session, made, staff_id=staff.id, now=now)
    assert (kept.marketing_consent, gone.marketing_consent) == (True, False)


def test_consent_given_by_the_other_line_account_goes_with_it(session, staff, now):
    kept, gone = (make_member(session, marketing_consent=None) for _ in range(2))
    made = merge(session, kept, gone, staff_id=staff.id, now=now)
    later = now + timedelta(hours=1)
    person = resolving.the_person(session, session.get(Member, gone.id))
    joining.decide(session, person, agrees=True, wording="yes", source="line", now=later)
    assert kept.marketing_consent is True
    unmerge(session, made, staff_id=staff.id, now=later)
    assert (kept.marketing_consent, gone.marketing_consent) == (None, True)


def test_who_registered_by_the_other_account_is_the_member_afterwards(session, staff, now):
    kept, gone = (make_member(session, registered=False, name=None) for _ in range(2))
    made = merge(session, kept, gone, staff_id=staff.id, now=now)
    later = now + timedelta(hours=1)
    person = resolving.the_person(session, session.get(Member, gone.id))
    joining.register(
        session, person, name="Ken", phone="0912345678", consent=True, consent_wording="yes", method="liff", now=later
    )
    assert kept.is_member
    unmerge(session, made, staff_id=staff.id, now=later)
    assert (kept.registered_at, kept.name, kept.tier_id) == (None, None, None)
    assert (gone.registered_at, gone.name, gone.phone) == (later, "Ken", "+886912345678")
    assert session.scalar(select(Identity.member_id).where(Identity.value == "+886912345678")) == gone.id


def test_what_was_changed_since_stays(session, staff, pair, now):
    kept, gone = pair
    made = merge(session, kept, gone, staff_id=staff.id, now=now)
    kept.phone = "+886900000001"
    session.flush()
    unmerge(session, made, staff_id=staff.id, now=now)
    assert (kept.phone, gone.phone) == ("+886900000001", "+886912345678")


def test_a_seat_or_tag_held_twice_sleeps_until_they_are_parted(session, staff, now):
    kept, gone = make_member(session), make_member(session, friend=False)
    slot = make_slot(session, make_store(session), starts_at=now + timedelta(days=1))
    tag = make_tag(session, "vip")
    for member in (kept, gone):
        session.add(
            Booking(
                ref=f"B{member.id}",
                slot_id=slot.id,
                store_id=slot.store_id,
                member_id=member.id,
                created_at=now,
                starts_at=slot.starts_at,
                ends_at=slot.ends_at,
                state_at=now,
            )
        )
        tagging.give(session, [member.id], tag, source="staff", now=now)
    made = merge(session, kept, gone, staff_id=staff.id, now=now)
    held = select(func.count()).select_from(Booking).where(Booking.member_id == kept.id)
    assert session.scalar(held) == 1
    unmerge(session, made, staff_id=staff.id, now=now)
    for member in (kept, gone):
        assert session.scalar(select(func.count()).select_from(Booking).where(Booking.member_id == member.id)) == 1
        held = select(MemberTag.tag_id).where(MemberTag.member_id == member.id, MemberTag.removed_at.is_(None))
        assert session.scalars(held).all() == [tag.id]


def test_every_table_of_a_person_moves_or_says_why_not(session):
    from domain.operations.belongings import OWNED, STAYS

    columns = {(owned.model.__tablename__, owned.column) for owned in OWNED}
    for table in Base.metadata.tables.values():
        for name in {"member_id", "referrer_id"} & set(table.columns.keys()):
            assert ((table.name, name) in columns) != (table.name in STAYS), f"{table.name}.{name}"
    for name, column in columns:
        assert "via_id" in Base.metadata.tables[name].columns, f"{name} does not know whose its rows were"
        assert column in Base.metadata.tables[name].columns
    assert all(len(reason) > 5 for reason in STAYS.values())


def test_what_arrives_on_a_joined_record_is_gathered(session, staff, pair, now):
    kept, gone = pair
    made = merge(session, kept, gone, staff_id=staff.id, now=now)
    make_purchase(session, gone, paid_at=now, amount=700, order_ref="late")  # written by who did not know yet
    assert merging.gather(session, now=now) == 1
    assert merging.gather(session, now=now) == 0
    assert orders_of(session, kept) == {"late"}
    unmerge(session, made, staff_id=staff.id, now=now)
    assert orders_of(session, gone) == {"late"}


def test_joining_answers_the_question_and_parting_is_not_asked_again(session, staff, pair, now):
    from domain.operations import proposing

    kept, gone = pair
    kept.name, kept.birth_date = gone.name, (now - timedelta(days=9000)).date()
    gone.birth_date = kept.birth_date
    session.flush()
    assert proposing.find(session, now=now) == 1
    made = merge(session, kept, gone, staff_id=staff.id, now=now)
    assert session.scalars(select(MergeProposal.state)).all() == ["merged"]
    unmerge(session, made, staff_id=staff.id, now=now)
    assert proposing.find(session, now=now) == 0
    assert session.scalars(select(MergeProposal.state)).all() == ["apart"]
    assert session.scalar(select(Merge.undone_at)) == now
