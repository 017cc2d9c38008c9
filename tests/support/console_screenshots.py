"""Pictures of every console page, to be looked at: `python -m tests.support.console_screenshots OUT [languages…]`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.support import databases
from tests.support.a_counter import furnish_counter
from tests.support.browser import CHROMIUM, FLAGS, accessibility_problems
from tests.support.staff import PASSWORD
from tests.support.world import World

WIDTHS = (390, 1280)
PAGES = {
    "store": ["today/", "scan/", "scan/people/{ref}", "scan/register", "me/"],
    "owner": [
        "review/", "members/", "members/?q=chen", "members/{ref}", "segments/", "campaigns/", "automations/",
        "programme/", "today/", "scan/people/{ref}", "settings/", "settings/stuck", "settings/staff",
        "settings/audit", "me/", "nowhere",
    ],
}  # fmt: skip


def main(out: Path, languages: tuple[str, ...]) -> None:
    folder = Path(tempfile.mkdtemp(prefix="screens-"))
    with World(databases.fresh("sqlite", "screens", folder)) as world, sync_playwright() as playwright:
        ref = furnish_counter(world)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for language in languages or ("en",):
            for width in WIDTHS:
                for role, paths in PAGES.items():
                    context = browser.new_context(viewport={"width": width, "height": 800}, locale="en-GB")
                    page = context.new_page()
                    sign_in(page, world.url, role)
                    say_language(page, world.url, language)
                    if role == "store":
                        open_by_number(page, world, ref)
                    for path in paths:
                        photograph(page, world.url, path, ref, out / f"{role}-{width}-{language}")
                    context.close()
        browser.close()


def sign_in(page: Page, url: str, role: str) -> None:
    page.goto(f"{url}/console/sign-in?lang=en")
    page.get_by_label("Your name here").fill(role)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "sign-in" not in address)


def say_language(page: Page, url: str, language: str) -> None:
    page.goto(f"{url}/console/me/")
    page.locator("select[name=language]").select_option(language)
    page.locator("form[action$='/language'] button").click()


def open_by_number(page: Page, world: World, ref: str) -> None:
    from sqlalchemy import select

    from models.member import Member

    with world.session() as session:
        number = session.scalars(select(Member).where(Member.ref == ref)).one().number
    page.goto(f"{world.url}/console/scan/")
    page.locator("#code").fill(number)
    page.locator("#find button").click()
    page.wait_for_url(lambda address: "/people/" in address)


def photograph(page: Page, url: str, path: str, ref: str, stem: Path) -> None:
    answer = page.goto(f"{url}/console/{path.format(ref=ref)}")
    name = path.split("?")[0].strip("/").replace("{ref}", "one").replace("/", "-") + ("-found" if "?" in path else "")
    page.screenshot(path=f"{stem}-{name}.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    problems = accessibility_problems(page)
    print(stem.name, path, answer.status if answer else "", "TOO WIDE" if wide else "", *problems, sep=" | ")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    main(target, tuple(sys.argv[2:]))
