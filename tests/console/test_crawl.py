"""Every link the console shows a role opens for that role, with a programme, a history and a day's work in it."""

import html
import re
from collections import Counter, deque
from urllib.parse import urljoin

import pytest

from domain.operations import controlling, drafting, programme
from jobs.runner import run_by_hand
from tests.domain.operations.test_programme import preset
from tests.support.a_counter import furnish_counter
from tests.support.staff import StaffBrowser
from tests.support.world import World

LINK = re.compile(r'(?:href|src|data-load|data-refresh)="([^"#][^"]*)"')
A_KIND = 3  # pages of one kind looked at: lists go on and on
ENDS_IN_A_FILE = (".css", ".js", ".woff2")


@pytest.fixture
def furnished(world: World) -> World:
    furnish_counter(world)
    with world.session() as session:
        programme.apply(session, programme.read(preset()), by="test", now=world.now)
        for name, goes_out in (("A draft", False), ("Spring tea", True)):
            campaign = drafting.create(session, name=name, now=world.now)
            drafting.edit(
                session, ref=campaign.ref, edit_version=1, now=world.now,
                changes={"content": {"text": "Spring tea is here.", "button_label": "See it", "button_url": "/book"}},
            )  # fmt: skip
            if goes_out:
                controlling.approve(session, ref=campaign.ref, edit_version=2, now=world.now)
        session.commit()
    for job in ("scores", "retag", "tiers", "automations", "snapshot", "close_month"):
        run_by_hand(world.sessions, job, now=world.now)
    world.settle()
    return world


def test_no_page_breaks_and_no_link_is_dead(furnished: World) -> None:
    for role, least in (("owner", 30), ("marketer", 30), ("viewer", 20), ("store", 6)):
        opened, broken = crawl(furnished, role)
        assert not broken, f"{role}: {broken}"
        assert len(opened) >= least, f"{role} saw only {sorted(opened)}"


def crawl(world: World, role: str) -> tuple[set[str], list[str]]:
    """What this role can reach from its first page, and what answered anything but a page."""
    browser = StaffBrowser(world.url, role)
    kinds, seen, broken = Counter[str](), {"/console/"}, []
    waiting = deque([("/console/", "the door")])
    while waiting:
        path, found_on = waiting.popleft()
        answer = browser.get(path)
        if answer.status_code != 200 or "/sign-in" in answer.url:
            broken.append(f"{path} on {found_on}: {answer.status_code}")
        for link in links(answer.text, path) if "html" in answer.headers["Content-Type"] else ():
            kind = kind_of(world, link)
            if link not in seen and kinds[kind] < A_KIND:
                seen.add(link)
                kinds[kind] += 1
                waiting.append((link, path))
    return seen, broken


def links(page: str, path: str) -> list[str]:
    """Addresses of the console in a page, without their fragments."""
    found = [urljoin(path, html.unescape(link)).partition("#")[0] for link in LINK.findall(page)]
    return [link for link in found if link.startswith("/console/") and not link.endswith(ENDS_IN_A_FILE)]


def kind_of(world: World, link: str) -> str:
    """The view behind an address."""
    adapter = world.app.url_map.bind("localhost")
    endpoint, _ = adapter.match(link.partition("?")[0], method="GET")
    return str(endpoint)
