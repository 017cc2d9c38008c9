"""What a shop's site tells: nobody's until we learn whose browser it is, then theirs, each step at its own time."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.operations import linking
from domain.operations.collecting import BROWSERS_A_LINK, Step, carrying, collect, remember
from domain.operations.importing_members import MemberRow, import_members
from domain.operations.merging import merge
from models.event import Event
from models.member import Identity, Member
from models.programme import the_brand
from models.staff import Staff
from tests.support.factories import make_member

ANN, BEN = "a" * 20, "b" * 20
SHOP = "https://shop.example/tea?colour=green"


def look(session: Session, visitor: str, *objects: str, now: datetime, token: str | None = None) -> int | None:
    return collect(session, visitor=visitor, steps=[Step("browsed", each) for each in objects], token=token, now=now)


def whose(session: Session) -> dict[str, int | None]:
    session.expire_all()
    return dict(session.execute(select(Event.object, Event.member_id).where(Event.kind == "browsed")).all())


def personal(session: Session, member: Member, now: datetime) -> str:
    return linking.make(session, url=SHOP, member_id=member.id, now=now).token


def test_steps_before_and_after_we_know_whose_they_are(session: Session, now: datetime) -> None:
    mei = make_member(session)
    assert look(session, ANN, "tea", now=now - timedelta(days=2)) is None
    look(session, BEN, "cup", now=now - timedelta(days=2))
    assert whose(session) == {"tea": None, "cup": None}
    assert look(session, ANN, "pot", token=personal(session, mei, now), now=now) == mei.id
    assert whose(session) == {"tea": mei.id, "cup": None, "pot": mei.id}
    early = session.scalars(select(Event).where(Event.object == "tea")).one()
    # It happened then; that it was hers is learned now, so that the night looks at her again.
    assert (early.occurred_at, early.recorded_at) == (now - timedelta(days=2), now)
    assert look(session, ANN, "mug", now=now + timedelta(hours=1)) == mei.id


def test_the_same_step_within_a_minute_is_one(session: Session, now: datetime) -> None:
    now = now.replace(second=1)
    for seconds in (0, 5, 70):
        look(session, ANN, "tea", now=now + timedelta(seconds=seconds))
    assert len(session.scalars(select(Event).where(Event.kind == "browsed")).all()) == 2


def test_a_link_passed_on_names_nobody_it_should_not(session: Session, now: datetime) -> None:
    mei, ken = make_member(session), make_member(session)
    mine, old = personal(session, mei, now), personal(session, mei, now - timedelta(days=31))
    assert look(session, BEN, "tea", token=old, now=now) is None
    crowd = linking.make(session, url=SHOP, now=now).token
    assert look(session, BEN, "tea", token=crowd, now=now) is None
    assert look(session, ANN, "tea", token=mine, now=now) == mei.id
    # Her browser stays hers, whatever link is opened in it later.
    assert look(session, ANN, "cup", token=personal(session, ken, now), now=now) == mei.id
    seen = [look(session, f"{n:020d}", "pot", token=mine, now=now) for n in range(BROWSERS_A_LINK + 1)]
    assert seen == [mei.id] * (BROWSERS_A_LINK - 1) + [None, None]


def test_what_is_no_step_or_no_browser_is_refused(session: Session, now: datetime) -> None:
    with pytest.raises(Invalid):
        collect(session, visitor=ANN, steps=[Step("coupon_redeemed", "x")], now=now)
    with pytest.raises(Invalid):
        look(session, "short", "tea", now=now)


def test_a_shops_system_may_say_whose_browser_it_is(session: Session, now: datetime) -> None:
    look(session, ANN, "tea", now=now)
    import_members(session, [MemberRow(member_ref="S1", visitor=ANN)], source="till", now=now)
    mei = session.scalars(select(Member).where(Member.ref == "S1")).one()
    assert whose(session) == {"tea": mei.id}


def test_a_browser_of_a_joined_record_is_its_keepers(session: Session, now: datetime) -> None:
    mei, other = make_member(session), make_member(session, friend=False)
    staff = Staff(login="s", name="S", role="marketer", created_at=now)
    session.add(staff)
    session.flush()
    remember(session, [(other.id, ANN)], source="test", now=now)
    merge(session, mei, other, staff_id=staff.id, reason="by_staff", evidence={}, now=now)
    look(session, ANN, "tea", now=now + timedelta(hours=1))
    event = session.scalars(select(Event).where(Event.object == "tea")).one()
    assert (event.member_id, event.via_id) == (mei.id, other.id)


def test_a_link_into_the_shop_carries_who_follows_it(session: Session, now: datetime) -> None:
    mei = make_member(session)
    own = linking.make(session, url=SHOP, member_id=mei.id, now=now)
    crowd = linking.make(session, url=SHOP, now=now)
    assert carrying(session, own, now=now) == SHOP  # no site of the shop's yet
    the_brand(session).sites = [{"key": "web", "origins": ["https://shop.example"]}]
    assert carrying(session, own, now=now) == f"{SHOP}&rt={own.token}"
    assert carrying(session, crowd, now=now) == SHOP
    told = carrying(session, crowd, member_id=mei.id, now=now)
    token = told.rpartition("rt=")[2]
    assert token != crowd.token
    assert look(session, ANN, "tea", token=token, now=now) == mei.id
    elsewhere = linking.make(session, url="https://other.example/", member_id=mei.id, now=now)
    assert carrying(session, elsewhere, now=now) == "https://other.example/"


def test_who_is_forgotten_leaves_no_browser(session: Session, now: datetime) -> None:
    from domain.operations.leaving import erase

    mei = make_member(session)
    look(session, ANN, "tea", token=personal(session, mei, now), now=now)
    erase(session, mei, by="member", now=now)
    assert session.scalars(select(Identity).where(Identity.kind == "visitor")).all() == []
    assert look(session, ANN, "cup", now=now + timedelta(hours=1)) is None
    assert session.scalars(select(Event.actor_ref).where(Event.member_id == mei.id, Event.kind == "browsed")).all() == [
        None
    ]
