"""Scan opens exactly one person by what they show, and everything done to them is audited."""

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import segno
from PIL import Image
from sqlalchemy import select

from domain.operations import claiming, coupon_codes, granting
from models.benefit import Coupon, CouponClaim
from models.codes import make_code
from models.event import Event
from models.member import Member
from models.purchase import Purchase
from models.staff import AuditLine
from tests.support.factories import make_coupon, make_member, make_store
from tests.support.moments import NOW

SCAN = "/console/scan/"
TODAY = datetime.now(ZoneInfo("Asia/Taipei"))
SECRET = "a secret for tests, long enough"


@pytest.fixture
def mei(sessions):
    with sessions.writing() as session:
        made = make_member(
            session, name="Mei Chen", phone="+886912345678", email="mei@example.com",
            birth_month=TODAY.month, birth_day=TODAY.day,
        )  # fmt: skip
        session.commit()
        return made


@pytest.fixture
def desk(signed_in, store):
    return signed_in("store", store_id=store.id)


def scan(desk, text):
    return desk.post(SCAN, {"code": text}, on=SCAN)


def opened(desk, member):
    answer = scan(desk, make_code(SECRET, member.ref, datetime.now(UTC)))
    assert answer.status_code == 303
    return answer.location


def test_the_code_opens_the_person_and_nothing_more_than_is_needed(desk, mei, sessions):
    page = desk.get(opened(desk, mei)).text
    assert "Mei Chen" in page
    assert "birthday" in page
    assert "678" in page
    assert "912345678" not in page
    assert "mei@example.com" not in page
    with sessions.reading() as session:
        line = session.query(AuditLine).filter_by(action="opened").one()
        assert line.member_id == mei.id


@pytest.mark.parametrize("typed", ["{number}", "0912345678", "+886 912 345 678"])
def test_a_whole_card_number_or_phone_opens_too(desk, mei, typed):
    assert mei.ref in scan(desk, typed.format(number=mei.number)).location


@pytest.mark.parametrize("typed", ["Mei", "Mei Chen", "mei@example.com", "912345", "345678", "%", ""])
def test_a_name_or_a_part_opens_nobody(desk, mei, typed, sessions):
    assert scan(desk, typed).location.endswith(SCAN)
    assert "Nobody was found" in desk.get(SCAN).text
    with sessions.reading() as session:
        assert session.query(AuditLine).filter_by(action="found_nobody").count() == 1


def test_a_member_ref_alone_opens_nobody(desk, mei):
    assert scan(desk, mei.ref).location.endswith(SCAN)
    assert desk.get(f"{SCAN}people/{mei.ref}").status_code == 403


def test_an_old_code_asks_for_a_new_one(desk, mei):
    scan(desk, make_code(SECRET, mei.ref, datetime.now(UTC) - timedelta(minutes=2)))
    assert "run out" in desk.get(SCAN).text


def test_a_phone_two_people_claim_opens_neither(desk, mei, sessions):
    with sessions.writing() as session:
        make_member(session, phone="+886912345678")
        session.commit()
    scan(desk, "0912345678")
    assert "Several people" in desk.get(SCAN).text


def test_check_in_and_undo(desk, mei, sessions):
    path = opened(desk, mei)
    assert "Check in without a booking" in desk.get(path).text
    desk.post(f"{path}/check-in", on=path)
    assert "here since" in desk.get(path).text
    desk.post(f"{path}/check-in/undo", on=path)
    with sessions.reading() as session:
        assert session.query(Event).filter_by(kind="visited").count() == 0


def test_a_coupon_is_used_once_and_can_be_taken_back(desk, mei, sessions):
    now = datetime.now(UTC)
    with sessions.writing() as session:
        session.add(Coupon(key="tea", title={"en": "Free tea"}, kind="gift", valid_days=7))
        session.flush()
        claim = granting.grant(session, member_id=mei.id, benefit={"coupon": "tea"}, cause="test", now=now).ref
        session.commit()
    path = opened(desk, mei)
    assert "Free tea" in desk.get(path).text
    for _ in range(2):
        desk.post(f"{path}/coupons/{claim}/redeem", on=path)
    assert "cannot be used again" in desk.get(path).text
    desk.post(f"{path}/coupons/{claim}/undo", on=path)
    with sessions.reading() as session:
        assert session.query(CouponClaim).one().redeemed_at is None


def test_somebody_elses_coupon_is_refused(desk, mei, sessions):
    with sessions.writing() as session:
        other = make_member(session)
        session.add(Coupon(key="tea", title={"en": "Free tea"}, kind="gift"))
        session.flush()
        claim = granting.grant(
            session, member_id=other.id, benefit={"coupon": "tea"}, cause="test", now=datetime.now(UTC)
        ).ref
        session.commit()
    path = opened(desk, mei)
    desk.post(f"{path}/coupons/{claim}/redeem", on=path)
    with sessions.reading() as session:
        assert session.query(CouponClaim).one().redeemed_at is None


def test_a_purchase_is_recorded_and_taken_back(desk, mei, sessions):
    path = opened(desk, mei)
    desk.post(f"{path}/purchases", {"amount": "980", "order_ref": "R-1"}, on=path)
    assert "NT$ 980" in desk.get(path).text
    desk.post(f"{path}/purchases/R-1/undo", on=path)
    with sessions.reading() as session:
        assert session.query(Purchase).one().net_amount == 0


def test_a_phone_is_verified_by_looking(desk, mei):
    path = opened(desk, mei)
    desk.post(f"{path}/phone/seen", {"phone": "0912 345 678"}, on=path)
    assert "Verified" in desk.get(path).text


def test_a_phone_is_verified_by_a_code(app, desk, mei):
    sent = []
    app.extensions["regulars"].extra["texts"] = lambda to, words: sent.append((to, words))
    path = opened(desk, mei)
    desk.post(f"{path}/phone/send", {"phone": "0912 345 678"}, on=path)
    to, words = sent[0]
    assert to == "+886912345678"
    assert words.split(" ")[0] not in desk.get(path).text
    desk.post(f"{path}/phone/code", {"code": "000000x"}, on=path)
    assert "did not match" in desk.get(path).text
    desk.post(f"{path}/phone/code", {"code": words.split(" ")[0]}, on=path)
    assert "Verified" in desk.get(path).text


def test_someone_becomes_a_member_at_the_counter(desk, sessions, store):
    typed = {"name": "New Person", "phone": "0987654321", "consent": "yes"}
    answer = desk.post(f"{SCAN}register", typed, on=f"{SCAN}register")
    assert "New Person is a member now" in desk.get(answer.location).text
    with sessions.reading() as session:
        made = session.query(Member).one()
        assert (made.phone, made.marketing_consent, made.home_store_id) == ("+886987654321", True, store.id)


def test_a_mistake_keeps_what_was_typed(desk, sessions):
    answer = desk.post(f"{SCAN}register", {"name": "New Person", "phone": "12"}, on=f"{SCAN}register")
    assert answer.status_code == 422
    assert 'value="New Person"' in answer.text
    with sessions.reading() as session:
        assert session.query(Member).count() == 0


def test_a_camera_frame_is_read(desk):
    drawn = io.BytesIO()
    segno.make("R1.hello").save(drawn, kind="png", scale=8)
    frame = io.BytesIO()
    Image.open(drawn).convert("RGB").save(frame, "JPEG")
    headers = {"X-CSRFToken": desk.token(), "Referer": "http://localhost/console/scan/"}
    answer = desk.client.post(
        f"{SCAN}frame", data=frame.getvalue(), content_type="image/jpeg", headers=headers, base_url="http://localhost"
    )
    assert answer.json == {"code": "R1.hello"}
    junk = desk.client.post(
        f"{SCAN}frame", data=b"junk", headers={**headers, "Accept": "application/json"}, base_url="http://localhost"
    )
    assert (junk.status_code, junk.json["code"]) == (422, "invalid")


def test_a_coupon_says_here_and_now_why_not_and_what_the_bill_must_be(signed_in, sessions, store):
    """E36 at the counter: another store's coupon says where; a small bill says what is missing."""
    with sessions.writing() as session:
        member = make_member(session)
        elsewhere = make_store(session, name="Harbour")
        make_coupon(session, "there", title={"en": "Harbour tea"}, stores=[elsewhere.key], valid_days=36500)
        make_coupon(session, "bill", title={"en": "100 off"}, min_spend=500, valid_days=36500)
        claims = {key: claiming.claim(session, member, key, now=NOW).ref for key in ("there", "bill")}
        session.commit()
    desk = signed_in("store", store_id=store.id)
    desk.post("/console/scan/", {"code": member.number}, on="/console/scan/")
    path = f"/console/scan/people/{member.ref}"
    page = desk.get(path).text
    assert "good at Harbour only. Send them there" in page
    assert f"/coupons/{claims['there']}/redeem" not in page
    assert f"/coupons/{claims['bill']}/redeem" in page
    small = desk.post(f"{path}/coupons/{claims['bill']}/redeem", {"amount": "380"}, on=path, follow_redirects=True)
    assert "NT$ 120 are missing to NT$ 500" in small.text
    desk.post(f"{path}/coupons/{claims['bill']}/redeem", {"amount": "500"}, on=path)
    with sessions.reading() as session:
        used = session.scalars(select(CouponClaim).where(CouponClaim.redeemed_at.is_not(None))).all()
        assert [claim.ref for claim in used] == [claims["bill"]]


def test_a_partners_code_opens_whoever_holds_it(signed_in, sessions, store):
    with sessions.writing() as session:
        member, coupon = make_member(session), make_coupon(session, "cinema", valid_days=36500)
        coupon_codes.add(session, coupon, ["FILM-0042"], staff_id=None, now=NOW)
        claiming.claim(session, member, coupon.key, now=NOW)
        session.commit()
    desk = signed_in("store", store_id=store.id)
    found = desk.post("/console/scan/", {"code": "FILM-0042"}, on="/console/scan/")
    assert found.location.endswith(f"/people/{member.ref}")
