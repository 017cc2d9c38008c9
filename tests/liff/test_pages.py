"""The shells: painted at once, in the asker's language, saying nothing about anyone; and the guard of every route."""

import json
import re
from typing import Any

import pytest

from liff.session import WITHOUT_SESSION
from liff.words import STATIC, modules_of, words_of

MEI = "U" + "1" * 32
PATHS = ("/", "/card", "/join", "/tier", "/news", "/contact", "/privacy", "/me", "/forms/any", "/t/token")


@pytest.mark.parametrize("path", PATHS)
def test_every_shell_paints_without_a_session(phone: Any, path: str) -> None:
    page = phone.page(path)
    assert page.status_code == 200
    assert '<html lang="en">' in page.text
    assert "no-store" in page.headers["Cache-Control"]
    for address in re.findall(r'(?:src|href)="(/liff/(?:static|brand)[^"]+)"', page.text):
        assert phone.client.get(address).status_code == 200


def test_the_language_is_the_browsers_until_a_person_chose_one(phone: Any) -> None:
    for said, lang in (("zh-TW", "zh-Hant"), ("ja", "ja"), ("th-TH", "th"), ("fr", "zh-Hant")):
        page = phone.client.get("/liff/card", headers={"Accept-Language": said})
        assert f'<html lang="{lang}">' in page.text


def test_nothing_inline_may_run_and_nobody_may_frame_it(phone: Any) -> None:
    page = phone.page("/card")
    policy = page.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "style=" not in page.text
    for tag in re.findall(r"<script[^>]*>", page.text):
        assert "src=" in tag or 'type="application/json"' in tag


def test_what_is_not_there_is_said_in_the_pages_look(phone: Any) -> None:
    page = phone.page("/nowhere")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "This page did not open" in page.text
    assert phone.get("/nowhere").json["code"] == "not_found"


def test_static_files_change_their_address_with_their_content(phone: Any) -> None:
    address = re.search(r"/liff/static/[0-9a-f]{12}/app\.css", phone.page("/card").text)
    assert address
    assert "max-age=31536000" in phone.client.get(address.group()).headers["Cache-Control"]
    assert phone.client.get("/liff/static/x/../../session.py").status_code == 404


def test_pages_carry_the_words_of_the_modules_they_load(phone: Any) -> None:
    page = phone.page("/card")
    words = json.loads(re.search(r'<script id="words"[^>]*>(.*?)</script>', page.text, re.DOTALL).group(1))
    assert words["Show my code"] == "Show my code"
    assert words["coupon to use"] == ["coupon to use", "coupons to use"]


@pytest.mark.parametrize("script", sorted(path.name for path in STATIC.glob("*.js")))
def test_every_text_of_a_module_is_found(script: str) -> None:
    """A text that the gatherer cannot read, such as a template literal, would stay English for ever."""
    text = "".join((STATIC / name).read_text("utf-8") for name in modules_of(script))
    said = re.findall(r"(?<![\w.$])_n?\(\s*([^\s\"])", text)
    assert [each for each in said if each not in "moe)"] == []
    assert words_of(script, "en") is not None


def test_every_api_route_asks_who_it_is(app: Any, phone: Any) -> None:
    """Without a session each one answers 401, whatever it is sent, unless it is the way in."""
    seen = 0
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/liff/api/") or rule.endpoint in WITHOUT_SESSION:
            continue
        path = re.sub(r"<int[^>]*>", "1", rule.rule)
        path = re.sub(r"<[^>]+>", "x", path)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            seen += 1
            answer = phone.client.open(path, method=method, json={}, headers=phone.headers)
            assert answer.status_code == 401, f"{method} {path}: {answer.status_code} {answer.text}"
            assert answer.json["code"] == "not_signed_in"
    assert seen > 10


def test_member_routes_wait_for_registration(app: Any, phone: Any) -> None:
    phone.open_as(MEI)
    for path in ("/card", "/card/code", "/tier", "/bookings", "/coupons"):
        answer = phone.get(path)
        assert (answer.status_code, answer.json["code"]) == (403, "not_registered"), path
