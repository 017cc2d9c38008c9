"""Coupons in the console: figures that open into people, codes looked at before they come in, claims put right."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from domain.operations import claiming, coupon_codes
from models.benefit import Coupon, CouponClaim, CouponCode
from models.session import Sessions
from tests.support.factories import make_coupon, make_member
from tests.support.moments import NOW

SignIn = Callable[..., Any]


@pytest.fixture
def claim(sessions: Sessions) -> CouponClaim:
    """Mei has the coupon `tea`."""
    with sessions.writing() as session:
        coupon = make_coupon(session, "tea", title={"en": "A cup of tea"}, valid_days=36500)
        made = claiming.claim(session, make_member(session, name="Mei"), coupon.key, now=NOW)
        session.commit()
        return made


def reload(sessions: Sessions, claim: CouponClaim) -> CouponClaim:
    with sessions.reading() as session:
        return session.scalars(select(CouponClaim).where(CouponClaim.id == claim.id)).one()


def test_the_pages_say_how_it_does(signed_in: SignIn, claim: CouponClaim) -> None:
    desk = signed_in("viewer")
    assert "A cup of tea" in desk.get("/console/coupons/").text
    page = desk.get("/console/coupons/tea").text
    assert "None is used or ended yet" in page
    assert "One person holds it" in page
    for state in ("offered", "claimed", "open"):
        assert "Mei" in desk.get(f"/console/coupons/tea/people/{state}").text, state
    assert "Mei" not in desk.get("/console/coupons/tea/people/used").text
    assert desk.get("/console/coupons/tea/people/nonsense").status_code == 404
    assert desk.get("/console/coupons/tea/claims").status_code == 403


def test_codes_are_looked_at_then_added(signed_in: SignIn, sessions: Sessions, claim: CouponClaim) -> None:
    desk = signed_in("marketer")
    with sessions.writing() as session:
        coupon_codes.add(session, session.scalars(select(Coupon)).one(), ["A1"], staff_id=None, now=NOW)
        session.commit()
    page = desk.post(
        "/console/coupons/tea/codes/preview", {"file": (io.BytesIO(b"code\nA1\nB2\nB2\nC3\n"), "codes.csv")},
        on="/console/coupons/tea", content_type="multipart/form-data",
    ).text  # fmt: skip
    assert "2 new codes" in page
    assert "one is known already" in page
    assert "one stands twice" in page
    with sessions.reading() as session:
        assert session.scalar(select(func.count(CouponCode.id))) == 1
    shown = page.split('aria-hidden="true">')[-1].split("</textarea>")[0]
    assert desk.post("/console/coupons/tea/codes", {"codes": shown}, on="/console/coupons/tea").status_code == 303
    with sessions.reading() as session:
        assert sorted(session.scalars(select(CouponCode.code))) == ["A1", "B2", "C3"]
    assert "3 codes are free" in desk.get("/console/coupons/tea").text


def test_taking_back_and_giving_anew(signed_in: SignIn, sessions: Sessions, claim: CouponClaim) -> None:
    desk = signed_in("marketer")
    listed = "/console/coupons/tea/claims"
    assert claim.ref in desk.get(listed + "?q=me").text
    assert claim.ref not in desk.get(listed + "?q=nobody").text
    assert desk.post(f"{listed}/{claim.ref}/void", {"reason": ""}, on=listed).status_code in (303, 422)
    assert reload(sessions, claim).voided_at is None
    desk.post(f"{listed}/{claim.ref}/void", {"reason": "By mistake"}, on=listed)
    assert reload(sessions, claim).void_reason == "By mistake"
    assert desk.post(f"{listed}/{claim.ref}/reissue", {"reason": "After all"}, on=listed).status_code == 303
    with sessions.reading() as session:
        made = session.scalars(select(CouponClaim).where(CouponClaim.reissue_of_id == claim.id)).one()
    assert made.ref in desk.get(listed).text


def test_a_large_pool_comes_back_from_its_preview(signed_in: SignIn, sessions: Sessions, claim: CouponClaim) -> None:
    codes = "\n".join(f"CODE-{n:020d}" for n in range(30_000))
    desk = signed_in("marketer")
    assert desk.post("/console/coupons/tea/codes", {"codes": codes}, on="/console/coupons/tea").status_code == 303
    with sessions.reading() as session:
        assert session.scalar(select(func.count(CouponCode.id))) == 30_000
