"""People come by a source: the first one is theirs, what they buy is counted for it, and an event has its people."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, NotFound
from domain.operations import arriving, programme
from domain.reports.entry_sources import COUNTS, brought, people_of
from models.campaign import Campaign
from models.event import Event
from models.member import Member
from tests.support.factories import make_friend, make_member, make_purchase, make_store


def newcomer(session: Session, now: datetime) -> Member:
    return make_member(session, friend=False, registered=False, created_at=now)


def test_the_first_source_stays_whatever_comes_later(session: Session, now: datetime) -> None:
    store = make_store(session, key="daan")
    arriving.add(session, key="poster", name="Poster", kind="store", store="daan")
    arriving.add(session, key="ad", name="Ad", kind="ad")
    mei = newcomer(session, now)
    arriving.arrive(session, mei, "poster", now=now)
    arriving.arrive(session, mei, "ad", now=now)
    assert (mei.entry_source, mei.home_store_id) == ("poster", store.id)
    # Who is a member or a friend already came some other way.
    for known in (make_member(session, friend=False), make_member(session, registered=False)):
        arriving.arrive(session, known, "ad", now=now)
        assert known.entry_source is None
    with pytest.raises(NotFound):
        arriving.arrive(session, mei, "nothing", now=now)


def test_figures_of_sources_and_the_people_behind_them(session: Session, now: datetime) -> None:
    for key, kind in (("poster", "store"), ("lin", "staff"), ("ad", "ad")):
        arriving.add(session, key=key, name=key, kind=kind)
    mei, ken, ann, tester = (newcomer(session, now) for _ in range(4))
    for person in (mei, ken, tester):
        arriving.arrive(session, person, "lin", now=now)
    arriving.arrive(session, ann, "poster", now=now)
    make_friend(session, mei)
    make_friend(session, ken, following=False)
    mei.registered_at, tester.registered_at, tester.is_test = now, now, True
    for person, days, amount in ((mei, 1, 500), (mei, 2, 300), (ken, 91, 900), (ken, 3, 0), (tester, 1, 7000)):
        make_purchase(session, person, paid_at=now - timedelta(days=days), amount=amount)
    session.flush()
    figures = {each.source.key: each for each in brought(session, now=now)}
    lin = figures["lin"]
    assert (lin.came, lin.friends, lin.members, lin.buyers, lin.net_amount) == (2, 1, 1, 1, 800)
    assert (figures["poster"].came, figures["ad"].came, figures["ad"].net_amount) == (1, 0, 0)
    for each in figures.values():
        for count in COUNTS:
            people = session.scalars(people_of(session, count, now=now, key=each.source.key)).all()
            assert len(people) == len(set(people)) == getattr(each, count)


def test_whoever_comes_by_an_events_code_takes_part_once(session: Session, now: datetime) -> None:
    arriving.add(session, key="popup", name="Winter pop-up", kind="event", campaign="winter")
    mei, ken = make_member(session), newcomer(session, now)
    for person in (mei, ken, mei):
        arriving.arrive(session, person, "popup", now=now)
    campaign = session.scalars(select(Campaign).where(Campaign.ref == "winter")).one()
    events = session.execute(select(Event.member_id, Event.campaign_id).where(Event.kind == "participated")).all()
    assert sorted(tuple(each) for each in events) == [(mei.id, campaign.id), (ken.id, campaign.id)]
    assert next(each for each in brought(session, now=now) if each.source.key == "popup").took_part == 2
    assert (mei.entry_source, ken.entry_source) == (None, "popup")


def test_what_cannot_be_a_source_is_refused(session: Session) -> None:
    arriving.add(session, key="ad", name="Ad", kind="ad")
    with pytest.raises(Conflict):
        arriving.add(session, key="ad", name="Other", kind="ad")
    for name, kind in (("", "ad"), ("Fair", "event"), ("Fair", "planet")):
        with pytest.raises(Invalid):
            arriving.add(session, key="fair", name=name, kind=kind)


def test_sources_and_sites_go_through_the_programme_file(session: Session, now: datetime) -> None:
    file = {
        "brand": {"name": "Camellia", "sites": [{"key": "web", "origins": ["https://shop.example"]}]},
        "entry_sources": [
            {"key": "popup", "name": "Pop-up", "kind": "event", "campaign": "winter"},
            {"key": "ad", "name": "Ad", "kind": "ad"}
        ],
    }  # fmt: skip
    programme.apply(session, programme.read(file), by="test", now=now)
    written = programme.export(session)
    assert written["brand"]["sites"] == file["brand"]["sites"]
    assert {each["key"]: each.get("campaign") for each in written["entry_sources"]} == {"popup": "winter", "ad": None}
    assert programme.diff(session, programme.read(written)) == []
    for wrong in (
        {"brand": {"name": "C", "sites": [{"key": "web", "origins": ["https://shop.example/path"]}]}},
        {"brand": {"name": "C"}, "entry_sources": [{"key": "fair", "name": "Fair", "kind": "event"}]},
    ):
        with pytest.raises(Invalid):
            programme.read(wrong)
