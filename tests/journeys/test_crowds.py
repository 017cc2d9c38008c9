"""Everyone at once, against the web process as it runs in production: never one seat, coupon or use too many (I5)."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, insert, select

from domain.operations import claiming
from models.benefit import Coupon, CouponClaim
from models.channel import the_channel
from models.event import Event
from models.member import Friend, Member
from models.outbox import OutgoingMessage
from models.session import Sessions, make_engine
from models.staff import AuditLine
from models.store import Booking, Slot, WaitlistEntry
from tests.support import databases
from tests.support.factories import make_coupon, make_slot, make_store
from tests.support.serving import all_at_once, member_headers, post, web_server
from tests.support.staff import StaffBrowser, add_staff

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Shop:
    """A running web process, its database, and five hundred members."""

    url: str
    sessions: Sessions
    crowd: list[str]

    def headers(self, ref: str) -> dict[str, str]:
        return member_headers(self.url, ref)


@pytest.fixture(scope="module", params=databases.KINDS)
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    database_url = databases.fresh(request.param, "crowds", tmp_path_factory.mktemp("crowds"))
    sessions = Sessions(make_engine(database_url))
    with web_server(database_url) as url:
        yield Shop(url, sessions, make_crowd(sessions, 500))
    sessions.engine.dispose()
    databases.drop(database_url)


def make_crowd(sessions: Sessions, n: int) -> list[str]:
    """So many members who follow us; their refs."""
    with sessions.writing() as session:
        rows = [
            {"ref": f"M{at:06d}", "name": f"Member {at}", "language": "en", "created_at": NOW, "registered_at": NOW}
            for at in range(n)
        ]
        session.execute(insert(Member), rows)
        channel_id = the_channel(session).id
        ids = session.scalars(select(Member.id).order_by(Member.id)).all()
        friend = {"channel_id": channel_id, "is_following": True, "state_at": NOW}
        session.execute(insert(Friend), [{**friend, "member_id": each, "user_id": f"U{each:032x}"} for each in ids])
        session.commit()
    return [str(row["ref"]) for row in rows]


def test_twenty_seats_and_two_hundred_bookers(shop: Shop) -> None:
    crowd = shop.crowd[:200]
    with shop.sessions.writing() as session:
        slot_id = make_slot(session, make_store(session), starts_at=NOW + timedelta(days=2), capacity=20).id
        session.commit()
    body = {"slot_id": slot_id}

    # Everyone presses the button at once; every tenth presses twice.
    pressed = [*crowd, *crowd[::10]]
    answers = all_at_once(
        [lambda ref=ref: post(shop.url, "/liff/api/bookings", shop.headers(ref), body) for ref in pressed]
    )

    assert {answer.status for answer in answers} == {201, 409}
    booked = {ref for ref, answer in zip(pressed, answers, strict=True) if answer.status == 201}
    refused = sorted(set(crowd) - booked)
    assert (len(booked), len(refused)) == (20, 180)
    assert {answer.body["code"] for answer in answers if answer.status == 409} == {"slot_full"}

    # Everyone else is offered the waitlist, and all take it at once.
    waits = all_at_once(
        [lambda ref=ref: post(shop.url, "/liff/api/waitlist", shop.headers(ref), body) for ref in refused]
    )
    assert {answer.status for answer in waits} == {201}

    with shop.sessions.reading() as session:
        slot = session.get_one(Slot, slot_id)
        assert (slot.taken, slot.held) == (20, 0)
        assert session.scalar(select(func.count(Booking.id)).where(Booking.state == "confirmed")) == 20
        assert session.scalar(select(func.count(WaitlistEntry.id)).where(WaitlistEntry.state == "waiting")) == 180
        assert Counter(session.scalars(select(OutgoingMessage.name))) == {"booking_confirmed": 20}
        done = select(func.count(Event.id)).where(Event.kind == "conversion_completed", Event.object == "booking:visit")
        assert session.scalar(done) == 20


def test_stock_of_fifty_and_five_hundred_claimers(shop: Shop) -> None:
    with shop.sessions.writing() as session:
        coupon = make_coupon(session, "drop", stock=50)
        session.commit()

    answers = all_at_once(
        [lambda ref=ref: post(shop.url, "/liff/api/coupons/drop/claims", shop.headers(ref)) for ref in shop.crowd]
    )

    assert Counter(answer.status for answer in answers) == {201: 50, 409: 450}
    assert {answer.body["code"] for answer in answers if answer.status == 409} == {"sold_out"}
    with shop.sessions.reading() as session:
        claims = select(func.count(), func.count(func.distinct(CouponClaim.member_id)))
        assert session.execute(claims.where(CouponClaim.coupon_id == coupon.id)).one() == (50, 50)
        assert session.get_one(Coupon, coupon.id).issued == 50


def test_one_claim_and_twenty_scanners(shop: Shop) -> None:
    ref = shop.crowd[0]
    with shop.sessions.writing() as session:
        store = make_store(session)
        make_coupon(session, "welcome")
        member = session.scalars(select(Member).where(Member.ref == ref)).one()
        claim_ref = claiming.claim(session, member, "welcome", now=NOW).ref
        session.commit()
    add_staff(shop.sessions, "store", store_id=store.id)
    desk = StaffBrowser(shop.url, "store")
    opened = desk.post("/console/scan/", {"code": member.number}, page="/console/scan/")
    headers, form = desk.form_request(page=opened.url.removeprefix(shop.url))
    path = f"/console/scan/people/{ref}/coupons/{claim_ref}/redeem"

    answers = all_at_once([lambda: post(shop.url, path, headers, form) for _ in range(20)])

    # The console answers each with the person's page, which says what became of it; the audit counts the uses.
    assert {answer.status for answer in answers} == {303}
    with shop.sessions.reading() as session:
        used = select(func.count(AuditLine.id)).where(AuditLine.action == "redeemed_coupon")
        assert session.scalar(used) == 1
        recorded = select(Event.kind).where(Event.kind.in_(("coupon_redeemed", "visited")))
        assert sorted(session.scalars(recorded)) == ["coupon_redeemed", "visited"]
