"""A member looks at the shop's site before and after we know them; a personal link says whose browser it is."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from sqlalchemy import select

from domain.operations import linking
from models.event import Event
from models.member import Member
from models.programme import the_brand
from tests.support.browser import chromium
from tests.support.factories import make_member
from tests.support.world import World

PAGE = """<!doctype html><html lang="en"><title>Tea</title><meta name="regulars:sku" content="TEA-1">
<script async src="{home}/t.js" data-site="web"></script>
<button data-regulars="carted" data-sku="TEA-1">Put in the cart</button></html>"""
PERSON = "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120 Mobile"


@contextmanager
def shop(home: str) -> Iterator[str]:
    """A shop's site of one page, on an origin of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAGE.format(home=home).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


def steps(world: World) -> list[tuple[str, int | None]]:
    with world.session() as session:
        query = select(Event.kind, Event.member_id).where(Event.object == "TEA-1").order_by(Event.id)
        return [(kind, member_id) for kind, member_id in session.execute(query)]


def test_what_was_looked_at_becomes_theirs_when_they_follow_a_link_of_ours(world: World) -> None:
    with shop(world.url) as address:
        with world.sessions.writing() as session:
            the_brand(session).sites = [{"key": "web", "origins": [address]}]
            mei: Member = make_member(session)
            token = linking.make(session, url=f"{address}/tea?size=small", member_id=mei.id, now=world.now).token
            session.commit()
        page = chromium().new_context(user_agent=PERSON).new_page()
        with page.expect_response(lambda answer: answer.url.endswith("/collect")) as told:
            page.goto(f"{address}/tea")
        assert told.value.status == 204
        assert steps(world) == [("browsed", None)]
        with page.expect_response(lambda answer: answer.url.endswith("/collect")):
            page.goto(f"{world.url}/t/{token}")
        page.wait_for_url(f"{address}/tea?size=small")  # the token leaves the address
        with page.expect_response(lambda answer: answer.url.endswith("/collect")):
            page.get_by_role("button").click()
        found = steps(world)
        assert {member_id for _, member_id in found} == {mei.id}
        assert [kind for kind, _ in found][-1] == "carted"
        page.context.close()


def test_a_browser_that_asks_not_to_be_followed_is_not(world: World) -> None:
    with shop(world.url) as address:
        with world.sessions.writing() as session:
            the_brand(session).sites = [{"key": "web", "origins": [address]}]
            session.commit()
        context = chromium().new_context(user_agent=PERSON)
        context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        page = context.new_page()
        page.goto(f"{address}/tea", wait_until="networkidle")
        page.get_by_role("button").click()
        page.wait_for_timeout(600)
        assert steps(world) == []
        assert page.evaluate("localStorage.length") == 0
        context.close()
