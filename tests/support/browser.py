"""A Chromium for the browser journeys; where there is none, they are skipped and say how to get one."""

import atexit
import os
import shutil
from functools import cache

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome") or ""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# A colour half way through its change is nobody's colour: wait for what is moving to arrive.
STILL = """Promise.all(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
    .map((each) => each.finished.catch(() => null)))"""
HOW_TO_GET_ONE = "no Chromium found: apt-get install --no-install-recommends chromium fonts-noto-cjk, or set CHROMIUM"


def chromium() -> Browser:
    """The one browser of this process, started when first asked for; skips the test when there is none."""
    if not CHROMIUM:
        pytest.skip(HOW_TO_GET_ONE)
    return _launched()


@cache
def _launched() -> Browser:
    # One for all: a second Playwright in the same thread would find the first one's event loop running.
    playwright = sync_playwright().start()
    atexit.register(playwright.stop)
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


def accessibility_problems(page: Page) -> list[str]:
    """What axe finds on the page as it stands: rule, and the elements it is about."""
    page.evaluate(STILL)
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {[node['html'][:160] for node in each['nodes']]}" for each in found]
