"""The `liff` stand-in does for a page what LINE's script does."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from line.simulator.testing import Simulator
from tests.line.simulator.conftest import Line

pytestmark = pytest.mark.browser

PAGE = """<!doctype html><html lang="en"><title>app</title><link rel="icon" href="data:,"><h1 id="name">…</h1>
<script src="SIMULATOR/liff/sdk.js"></script>
<script>
window.started = liff.init({liffId: "LIFF"}).then(async () => {
  const who = liff.isLoggedIn() ? (await liff.getProfile()).displayName : "nobody";
  document.getElementById("name").textContent = who;
});
</script></html>"""


@pytest.fixture
def pages(simulator: Simulator) -> Iterator[str]:
    """An app with one page under /liff/; the simulator takes it for the mini-app's endpoint."""
    before = simulator.public_url
    text = PAGE.replace("SIMULATOR", simulator.base_url).replace("LIFF", simulator.channel.liff_id)

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    webhook = simulator.webhook_url
    simulator.public_url = f"http://127.0.0.1:{server.server_port}"
    simulator.webhook_url = str(webhook)
    yield simulator.public_url
    simulator.public_url = before
    server.shutdown()
    server.server_close()


def shown(tab: Any, name: str) -> None:
    tab.wait_for_function("name => document.getElementById('name')?.textContent === name", arg=name)


def test_a_deep_link_lands_on_its_page_with_the_person_signed_in(simulator: Simulator, pages: str, tab: Any) -> None:
    user = simulator.add_user(name="Mei", language="ja")
    tab.goto(simulator.liff_url(user, "/booking/7?from=menu#t"))
    shown(tab, "Mei")
    assert tab.url == f"{pages}/liff/booking/7?from=menu#t"
    assert tab.evaluate("liff.getDecodedIDToken().sub") == user
    assert tab.evaluate("liff.getAppLanguage()") == "ja"
    assert tab.evaluate("liff.isInClient()") is False
    assert tab.evaluate("liff.getFriendship()") == {"friendFlag": False}


def test_the_endpoint_keeps_its_slash_and_loses_the_hint(simulator: Simulator, pages: str, tab: Any) -> None:
    tab.goto(simulator.liff_url(simulator.add_user(name="Mei")))
    shown(tab, "Mei")
    assert tab.url == f"{pages}/liff/"
    link = f"https://liff.line.me/{simulator.channel.liff_id}/card?x=1"
    assert tab.evaluate("url => liff.permanentLink.createUrlBy(url)", f"{pages}/liff/card?x=1") == link


def test_outside_line_one_signs_in_by_choosing(simulator: Simulator, pages: str, tab: Any) -> None:
    simulator.add_user(name="Ken")
    tab.goto(f"{pages}/liff/card")
    shown(tab, "nobody")
    tab.evaluate("liff.login({redirectUri: location.href})")
    tab.get_by_role("link", name="Ken").click()
    shown(tab, "Ken")
    assert tab.url == f"{pages}/liff/card"


def test_an_expired_token_stays_until_signing_in_again(simulator: Simulator, pages: str, tab: Any) -> None:
    user = simulator.add_user(name="Mei")
    simulator.ask("POST", f"users/{user}/state", {"expired_tokens": True})
    tab.goto(simulator.liff_url(user))
    shown(tab, "Mei")
    assert tab.evaluate("liff.isLoggedIn()") is True
    assert tab.evaluate("liff.getDecodedIDToken().exp") < time.time()
    tab.evaluate("liff.logout()")
    tab.goto(simulator.liff_url(user, "/card"))
    shown(tab, "Mei")
    assert tab.evaluate("liff.getDecodedIDToken().exp") > time.time()


@pytest.mark.parametrize("leave", ["location.href = LINK", "document.getElementById('away').click()"])
def test_a_mini_app_link_inside_a_page_stays_on_this_machine(
    simulator: Simulator, pages: str, tab: Any, leave: str
) -> None:
    tab.goto(simulator.liff_url(simulator.add_user(name="Mei"), "/card"))
    shown(tab, "Mei")
    link = f"https://liff.line.me/{simulator.channel.liff_id}/book?store=1"
    tab.evaluate("link => document.body.insertAdjacentHTML('beforeend', `<a id=away href='${link}'>away</a>`)", link)
    tab.evaluate(leave.replace("LINK", f"'{link}'"))
    tab.wait_for_url(f"{pages}/liff/book?store=1")
    shown(tab, "Mei")


def test_the_stand_in_for_lines_own_links_leads_to_the_page(simulator: Simulator, pages: str, tab: Any) -> None:
    simulator.add_user(name="Mei")
    tab.goto(f"{simulator.base_url}/liff/open/{simulator.channel.liff_id}/card?x=1")
    shown(tab, "nobody")
    assert tab.url == f"{pages}/liff/card?x=1"


def test_in_the_phone_the_page_knows_its_holder_and_can_act(
    simulator: Simulator, pages: str, tab: Any, line: Line, app: Any
) -> None:
    user = simulator.add_user(name="Mei", following=True)
    link = f"https://liff.line.me/{simulator.channel.liff_id}/card"
    line.push(user, {"type": "text", "text": f"Your card: {link}"})
    tab.goto(f"{simulator.base_url}/?user={user}")
    phone = tab.get_by_label("Phone 1", exact=True)
    phone.get_by_role("link", name=link).click()
    frame = phone.frame_locator("iframe")
    frame.get_by_role("heading", name="Mei").wait_for()

    inside = next(frame for frame in tab.frames if "/liff/" in frame.url)
    assert inside.url == f"{pages}/liff/card"
    assert inside.evaluate("liff.isInClient()") is True
    inside.evaluate("liff.sendMessages([{type: 'text', text: 'Here I am'}])")
    assert app.events[-1]["message"]["text"] == "Here I am"
    inside.evaluate("window.scanned = liff.scanCodeV2().then((code) => { window.code = code.value; }); 0")
    tab.get_by_label("What the code says").fill("TABLE-4")
    tab.get_by_role("button", name="OK").click()
    inside.wait_for_function("window.code === 'TABLE-4'")
    inside.evaluate("liff.closeWindow()")
    phone.locator("iframe").wait_for(state="detached")
