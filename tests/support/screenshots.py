"""Pictures of every mini-app page, to be looked at: `python -m tests.support.screenshots OUT_FOLDER [pages…]`.

Brings up the app and the simulator on a fresh SQLite file, makes a member with a life, and photographs each
page at 320 and 390 px in four languages, light; and once dark.
"""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.support import databases
from tests.support.a_member import furnish
from tests.support.browser import CHROMIUM, FLAGS
from tests.support.world import World

LANGUAGES = {"zh-Hant": "zh-TW", "ja": "ja-JP", "th": "th-TH", "en": "en-GB"}
PAGES = (
    "card",
    "code",
    "join",
    "tier",
    "me",
    "news",
    "contact",
    "privacy",
    "forms/visit",
    "book",
    "coupons",
    "nowhere",
)
WIDTHS = (320, 390)


def main(out: Path, wanted: tuple[str, ...]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="screens-"))
    with World(databases.fresh("sqlite", "screens", folder)) as world, sync_playwright() as playwright:
        user = furnish(world)
        strangers = {each: world.line.add_user(name="王小明", language=each) for each in LANGUAGES}
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for language, width, scheme in _looks():
            context = browser.new_context(
                locale=LANGUAGES[language], viewport={"width": width, "height": 720}, color_scheme=scheme,
                device_scale_factor=2, has_touch=True, is_mobile=True,
            )  # fmt: skip
            world.line.ask("POST", f"users/{user}/state", {"state": "friend"})
            _speak(world, user, language)
            for page in wanted or PAGES:
                _photograph(
                    context.new_page(),
                    world,
                    strangers[language] if page == "join" else user,
                    page,
                    out,
                    (language, width, scheme),
                )
            context.close()
        browser.close()


def _looks() -> Iterator[tuple[str, int, str]]:
    for language in LANGUAGES:
        for width in WIDTHS:
            yield language, width, "light"
    yield "en", 390, "dark"


def _speak(world: World, user: str, language: str) -> None:
    browser = world.member(user)
    browser.patch(f"{world.url}/liff/api/me", json={"language": language}).raise_for_status()


def _photograph(page: Page, world: World, user: str, name: str, out: Path, look: tuple[str, int, str]) -> None:
    path = "card" if name == "code" else name
    page.goto(world.line.liff_url(user, f"/{path}"))
    page.wait_for_url(lambda url: "liff.state" not in url)
    page.locator("#main:not(:has([aria-busy]))").wait_for(state="attached")
    page.wait_for_timeout(900)
    if name == "code":
        page.get_by_role("button").last.click()
        page.locator(".qr").wait_for()
        page.wait_for_timeout(400)
    language, width, scheme = look
    page.screenshot(path=out / f"{name.replace('/', '-')}.{language}.{width}.{scheme}.png", full_page=name != "code")
    page.close()


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    main(target, tuple(sys.argv[2:]))
