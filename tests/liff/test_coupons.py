"""Coupons through the mini-app's API: what can be claimed and why not, the one claim, its code, and what is behind."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.operations import coupon_codes, redeeming
from models.benefit import Coupon
from models.codes import read_claim_code, read_code
from models.event import Event
from models.member import Friend, Member
from models.session import Sessions
from tests.liff.conftest import SECRET
from tests.support.factories import make_coupon, make_store

NOW = datetime.now(UTC)


@pytest.fixture
def join(sessions: Sessions) -> Callable[[Any, str], None]:
    def joined(phone: Any, user_id: str) -> None:
        phone.open_as(user_id)
        with sessions.writing() as session:
            friend = session.scalars(select(Friend).where(Friend.user_id == user_id)).one()
            session.get_one(Member, friend.member_id).registered_at = NOW - timedelta(days=90)
            session.commit()

    return joined


@pytest.fixture
def coupons(sessions: Sessions) -> None:
    with sessions.writing() as session:
        make_coupon(session, "welcome", title={"en": "Welcome gift"}, min_spend=500, stock=5)
        make_coupon(session, "autumn", title={}, claim_from=NOW + timedelta(days=3), kind="percent_off", value=15)
        make_coupon(session, "gone", claim_until=NOW - timedelta(days=1))
        session.commit()


def test_offers_come_with_why_not(phone: Any, join: Any, coupons: None) -> None:
    join(phone, "Uanna")

    offers = phone.get("/coupons").json["offers"]

    welcome, autumn = offers
    assert (welcome["id"], welcome["claimable"], welcome["left"]) == ("welcome", True, 5)
    assert welcome["coupon"]["gives"] == "NT$ 100 off"
    assert welcome["coupon"]["min_spend"] == "NT$ 500"
    assert (autumn["id"], autumn["claimable"], autumn["code"]) == ("autumn", False, "not_yet")
    assert "cannot be claimed yet" in autumn["why_not"]
    assert autumn["coupon"]["title"] == "15 % off"


def test_a_claim_is_made_once_and_moves_from_offered_to_ready(phone: Any, join: Any, coupons: None) -> None:
    join(phone, "Uanna")

    first = phone.post("/coupons/welcome/claims")
    again = phone.post("/coupons/welcome/claims")

    assert (first.status_code, again.json["id"]) == (201, first.json["id"])
    shown = phone.get("/coupons").json
    assert [each["id"] for each in shown["ready"]] == [first.json["id"]]
    assert "welcome" not in [each["id"] for each in shown["offers"]]


def test_the_code_is_for_this_coupon_only_and_short_lived(phone: Any, join: Any, coupons: None) -> None:
    join(phone, "Uanna")
    ref = phone.post("/coupons/welcome/claims").json["id"]

    shown = phone.get(f"/claims/{ref}/code").json

    now = datetime.now(UTC)
    assert read_claim_code(SECRET, shown["value"], now) == ref
    assert shown["qr"].startswith("<svg")
    assert "<svg" in shown["barcode"]
    assert 0 < shown["expires_in"] <= 30
    with pytest.raises(ValueError, match="not a code of this kind"):
        read_code(SECRET, shown["value"], now)
    with pytest.raises(ValueError, match="expired"):
        read_claim_code(SECRET, shown["value"], now + timedelta(seconds=61))


def test_a_used_coupon_shows_no_code(phone: Any, join: Any, coupons: None, sessions: Sessions) -> None:
    join(phone, "Uanna")
    ref = phone.post("/coupons/welcome/claims").json["id"]
    with sessions.writing() as session:
        redeeming.redeem(session, ref, staff_id=None, store_id=None, amount=500, now=datetime.now(UTC))
        session.commit()

    assert phone.get(f"/claims/{ref}/code").json["code"] == "not_live"
    assert [each["state"] for each in phone.get("/coupons").json["used"]] == ["used"]
    assert phone.post("/coupons/welcome/claims").json["code"] == "had_already"


def test_nobody_sees_the_code_of_another(phone: Any, another_phone: Any, join: Any, coupons: None) -> None:
    join(phone, "Uanna")
    join(another_phone, "Uben")
    ref = phone.post("/coupons/welcome/claims").json["id"]
    assert another_phone.get(f"/claims/{ref}/code").status_code == 404


def test_opening_starts_the_conversion_of_what_can_be_claimed(
    phone: Any, join: Any, coupons: None, sessions: Sessions
) -> None:
    join(phone, "Uanna")
    phone.get("/coupons")
    phone.get("/coupons?coupon=welcome")
    with sessions.reading() as session:
        starts = session.scalars(select(Event.object).where(Event.kind == "conversion_started")).all()
    assert starts == ["coupon:welcome"]


def test_coupons_are_for_members(phone: Any, coupons: None) -> None:
    phone.open_as("Unobody")
    assert phone.get("/coupons").json["code"] == "not_registered"
    assert phone.post("/coupons/welcome/claims").json["code"] == "not_registered"


@pytest.mark.parametrize("path", ["/coupons/nothing/claims", "/coupons/%00/claims"])
def test_what_does_not_exist_cannot_be_claimed(phone: Any, join: Any, coupons: None, path: str) -> None:
    join(phone, "Uanna")
    assert phone.post(path).status_code == 404


def test_a_code_made_elsewhere_is_shown_as_it_is_and_stays(phone: Any, join: Any, sessions: Sessions) -> None:
    with sessions.writing() as session:
        coupon = make_coupon(session, "partner", title={"en": "Cinema"})
        coupon_codes.add(session, coupon, ["FILM-0042"], staff_id=None, now=NOW)
        session.commit()
    join(phone, "Uanna")
    made = phone.post("/coupons/partner/claims").json

    shown = phone.get(f"/claims/{made['id']}/code").json

    assert (shown["value"], shown["text"], shown["expires_in"]) == ("FILM-0042", "FILM-0042", 0)
    assert shown["qr"].startswith("<svg")
    assert shown["barcode"]


def test_a_ticket_says_when_and_where_it_is_good(phone: Any, join: Any, sessions: Sessions) -> None:
    with sessions.writing() as session:
        store = make_store(session, name="Da'an")
        make_coupon(session, "weekend", weekdays=[6, 7], stores=[store.key])
        session.commit()
    join(phone, "Uanna")

    (offer,) = phone.get("/coupons").json["offers"]

    assert offer["coupon"]["limits"] == ["Only on Saturday and Sunday", "Only at Da'an"]


def test_a_ticket_keeps_the_words_it_was_given_under(phone: Any, join: Any, coupons: None, sessions: Sessions) -> None:
    """E38: editing a coupon after it was given changes nothing in anybody's hands."""
    join(phone, "Uanna")
    phone.post("/coupons/welcome/claims")
    with sessions.writing() as session:
        coupon = session.scalars(select(Coupon).where(Coupon.key == "welcome")).one()
        coupon.title, coupon.value, coupon.terms_version = {"en": "Something else"}, 5, 2
        session.commit()

    (mine,) = phone.get("/coupons").json["ready"]

    assert (mine["coupon"]["title"], mine["coupon"]["gives"]) == ("Welcome gift", "NT$ 100 off")
    assert phone.get("/card").json["coupons"][0]["title"] == "Welcome gift"
