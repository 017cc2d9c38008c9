"""Pictures of the ten promotions of docs/promotions being lived: `python -m tests.support.promotion_screenshots OUT`.

An owner pastes them into the programme's page, three members go through two months, and every reward is
photographed on the phone and on the desk. Pillow, if there is one, makes the pictures small.
"""

import sys
import tempfile
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import (
    answering,
    granting,
    joining,
    programme,
    referring,
    verifying,
    visiting,
)
from domain.operations.entering import enter
from domain.operations.purchasing import Line, record_order
from jobs.runner import run_by_hand
from models.member import Member
from models.staff import Staff
from models.store import Store
from tests.support import databases
from tests.support.browser import CHROMIUM, FLAGS
from tests.support.console_screenshots import sign_in
from tests.support.staff import add_staff
from tests.support.ten_promotions import PRESET, with_the_ten
from tests.support.world import World

START = datetime(2027, 2, 26, 4, 0, tzinfo=UTC)  # a Friday noon in Taipei
MONDAY = datetime(2027, 2, 28, 16, 0, tzinfo=UTC)  # the local midnight 1 March begins with
COLOURS = 64


class Story:
    """The world, its people and the two browsers that look at it."""

    def __init__(self, world: World, browser: Browser, out: Path) -> None:
        self.world, self.out = world, out
        self.users: dict[str, str] = {}
        self.refs: dict[str, str] = {}
        self.desk = browser.new_context(viewport={"width": 960, "height": 640}, locale="en-GB").new_page()
        self.phone = browser.new_context(
            viewport={"width": 390, "height": 720}, locale="en-GB", has_touch=True, is_mobile=True
        ).new_page()
        self.chats = browser.new_context(viewport={"width": 1320, "height": 860}, locale="en-GB").new_page()

    def meet(self, name: str, *, joined: datetime, consent: bool = True, birth_month: int | None = None) -> None:
        self.world.go_to(joined)
        user = self.world.line.add_user(name=name, language="en")
        self.world.line.follow(user)
        _apart(self.world.settle)
        with self.world.sessions.writing() as session:
            member = enter(session, user_id=user, name=name, picture_url=None, language="en", now=joined).member
            joining.register(
                session, member, name=name, phone=f"09120000{len(self.users):02d}", consent=consent,
                consent_wording="yes", method="liff", now=joined,
            )  # fmt: skip
            member.birth_month = birth_month
            self.users[name], self.refs[name] = user, member.ref
            session.commit()

    def at(self, day: int, hour: float) -> None:
        """Moves to that day of the story (0 is Monday, 1 March), in local hours."""
        self.world.go_to(MONDAY + timedelta(days=day, hours=hour))

    def clock(self) -> None:
        """The automations' minute, and what it said is sent: apart, as this thread is the browser's."""

        def tick() -> None:
            for job in ("missions", "automations"):
                run_by_hand(self.world.sessions, job, now=self.world.now)
            self.world.settle()

        _apart(tick)

    def member(self, session: Session, name: str) -> Member:
        return session.scalars(select(Member).where(Member.ref == self.refs[name])).one()

    def buy(self, name: str, sku: str, category: str, *, store: str = "daan") -> None:
        with self.world.sessions.writing() as session:
            now, where = self.world.now, session.scalar(select(Store.id).where(Store.key == store))
            record_order(
                session, order_ref=f"{name}-{sku}-{now:%m%d%H}", paid_at=now, member_id=self.member(session, name).id,
                store_id=where, source="pos", lines=[Line(1, sku, 120, category=category, product=sku)], now=now,
            )  # fmt: skip
            session.commit()

    # what is photographed

    def of_desk(self, name: str, path: str) -> None:
        self.desk.goto(f"{self.world.url}/console/{path}")
        self.desk.screenshot(path=self.out / f"{name}.png")

    def of_chats(self, name: str, *people: str) -> None:
        """Both phones side by side: who was told, and who was not."""
        asked = "&".join(f"user={self.users[each]}" for each in people)
        self.chats.goto(f"{self.world.line.base_url}/?{asked}")
        self.chats.wait_for_timeout(1500)
        self.chats.screenshot(path=self.out / f"{name}.png", clip={"x": 30, "y": 0, "width": 880, "height": 860})

    def of_page(self, name: str, who: str, page: str, *, only: str | None = None) -> None:
        """A page of the mini-app, or the one mission of it that is called so."""
        self._open(who, page)
        if only is None:
            self.phone.screenshot(path=self.out / f"{name}.png")
        else:
            found = self.phone.locator("li.mission").filter(has=self.phone.get_by_text(only, exact=True)).first
            found.screenshot(path=self.out / f"{name}.png")

    def _open(self, who: str, page: str) -> Page:
        self.phone.context.clear_cookies()
        self.phone.goto(self.world.line.liff_url(self.users[who], f"/{page}"))
        self.phone.wait_for_url(lambda url: "liff.state" not in url)
        self.phone.locator("#main:not(:has([aria-busy]))").wait_for(state="attached")
        self.phone.wait_for_timeout(900)
        return self.phone


def main(out: Path) -> None:
    folder = Path(tempfile.mkdtemp(prefix="ten-"))
    url = databases.fresh("sqlite", "ten", folder)
    with World(url, start=START) as world, sync_playwright() as playwright:
        story = Story(world, playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS), out)
        _begin(story)
        _a_bet_and_a_day(story)
        _a_walk(story)
        _a_ladder(story)
        _friends_and_gloves(story)
        _the_end(story)
    _make_small(out)


def _apart(work: Callable[[], object]) -> None:
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()


def _begin(story: Story) -> None:
    """People with a past, the preset, and the ten pasted under `Edit as text`."""
    world = story.world
    add_staff(world.sessions, "owner")
    with world.sessions.writing() as session:
        programme.apply(session, programme.read_text(PRESET.read_text("utf-8")), by="owner", now=world.now)
        session.commit()
    story.meet("Mei", joined=datetime(2024, 3, 5, 12, tzinfo=UTC))
    story.meet("Rin", joined=datetime(2025, 7, 9, 12, tzinfo=UTC))
    story.meet("Noi", joined=datetime(2026, 1, 9, 12, tzinfo=UTC), consent=False, birth_month=4)
    for name, ago in (("Mei", 80), ("Rin", 10)):
        world.go_to(START - timedelta(days=ago))
        story.buy(name, "TEA", "tea")
    world.go_to(START)
    with world.sessions.writing() as session:
        gold = {"tier_floor": {"tier": "gold", "days": 365}}
        granting.grant(session, member_id=story.member(session, "Rin").id, benefit=gold, cause="r", now=world.now)
        session.commit()
    sign_in(story.desk, world.url, "owner")
    story.desk.goto(f"{world.url}/console/programme/text")
    text = programme.write_text(with_the_ten())
    story.desk.evaluate("text => { document.getElementById('f-text').value = text; }", text)
    story.desk.get_by_role("button", name="See what would change").click()
    story.desk.screenshot(path=story.out / "0-what-would-change.png")
    story.desk.locator("form[action$='/apply'] button.primary").click()
    story.desk.wait_for_url(lambda address: address.rstrip("/").endswith("/programme"))


def _a_bet_and_a_day(story: Story) -> None:
    story.at(0, 10.1)
    story.clock()
    story.of_chats("4-bet-chat", "Mei", "Rin")
    for day in range(5):
        story.at(day, 12.5)
        story.buy("Mei", "TEA-OWN-CUP", "tea")
        story.at(day, 18)
        story.buy("Rin", "TEA-PAPER-CUP", "tea")
        if day in (0, 3):
            story.of_page(f"1-own-cup-{day + 1}", "Mei", "missions", only="Five with your own cup")
        if day == 2:
            story.of_page("3-noon-three", "Mei", "missions", only="The noon seat")
            story.of_page("3-noon-none", "Rin", "missions", only="The noon seat")
        if day == 3:
            story.at(4, 10.1)
            story.clock()
            story.of_chats("5-joining-day-chat", "Mei", "Rin")
    story.of_desk("1-own-cup-desk", "missions/own_cup")
    story.of_desk("3-noon-desk", "missions/noon_seat")
    story.of_desk("4-bet-desk", "missions/comeback_bet")
    story.of_desk("5-joining-day-desk", "automations/joining_day")


def _a_walk(story: Story) -> None:
    for day, key in ((7, "daan"), (8, "calligraphy"), (9, "shennong")):
        story.at(day, 15)
        with story.world.sessions.writing() as session:
            store = session.scalars(select(Store).where(Store.key == key)).one()
            for name in ("Mei", "Rin"):
                member = story.member(session, name)
                visiting.visit(session, member, store, staff_id=None, now=story.world.now)
            session.commit()
        if day == 8:
            story.of_page("2-trail-mei", "Mei", "missions", only="Three cities on foot")
            story.of_page("2-trail-rin", "Rin", "missions", only="Three cities on foot")
    story.of_page("2-trail-rin-card", "Rin", "card")
    story.of_desk("2-trail-desk", "missions/three_cities_gold")
    for day, sku, category in ((10, "CUP", "ware"), (11, "CAKE", "sweets")):
        story.at(day, 15)
        story.buy("Mei", sku, category)
        story.buy("Rin", f"TEA-{day}", "tea")
        if day == 10:
            story.of_page("8-shelves-two", "Mei", "missions", only="Three shelves")
            story.of_page("8-shelves-one", "Rin", "missions", only="Three shelves")
    story.of_desk("8-shelves-desk", "missions/three_shelves")


def _a_ladder(story: Story) -> None:
    story.at(14, 20)
    page = story._open("Mei", "forms/ladder_leaf")
    page.get_by_text("Partly oxidised").click()
    page.locator("#main button.button").last.click()
    page.wait_for_timeout(1500)
    page.screenshot(path=story.out / "9-ladder-step.png")
    with story.world.sessions.writing() as session:
        for form, answers in (("ladder_water", {"green": "80"}), ("ladder_ware", {"yixing": "one"})):
            mei = story.member(session, "Mei")
            answering.answer(session, mei, form_key=form, answers=answers, now=story.world.now)
        session.commit()
    story.clock()
    story.of_page("9-ladder-ticket", "Mei", "missions", only="The tea ladder's kettle")
    story.of_desk("9-ladder-desk", "missions/tea_ladder")


def _friends_and_gloves(story: Story) -> None:
    story.at(16, 12)
    world = story.world
    story.users["Jun"] = world.line.add_user(name="Jun", language="en")
    world.line.follow(story.users["Jun"])
    _apart(world.settle)
    with world.sessions.writing() as session:
        jun = enter(
            session, user_id=story.users["Jun"], name="Jun", picture_url=None, language="en", now=world.now
        ).member
        referring.clicked(session, jun, by=story.refs["Mei"], now=world.now)
        joining.register(
            session, jun, name="Jun", phone="0912999999", consent=True, consent_wording="yes", method="liff",
            now=world.now,
        )  # fmt: skip
        staff = session.scalars(select(Staff)).one()
        verifying.confirm_phone(session, jun, phone="0912999999", staff_id=staff.id, how="code", now=world.now)
        session.commit()
    story.at(16, 12.2)
    story.clock()
    story.of_chats("6-two-pots-chat", "Jun", "Mei")
    story.of_page("6-two-pots-coupons", "Mei", "coupons")
    story.of_desk("6-two-pots-desk", "automations/friend_came")
    story.desk.goto(f"{world.url}/console/members/{story.refs['Rin']}")
    form = story.desk.locator("form[action$='/tags']").first
    form.locator("select").select_option("honest_finder")
    form.screenshot(path=story.out / "10-glove-tag.png")
    form.locator("button").first.click()
    story.at(16, 12.4)
    story.clock()
    story.of_chats("10-glove-chat", "Rin", "Mei")
    story.of_desk("10-glove-desk", "automations/honest_finder")


def _the_end(story: Story) -> None:
    story.at(31, 9.5)
    story.clock()
    story.of_chats("7-birthday-chat", "Noi", "Mei")
    story.of_page("7-birthday-points", "Noi", "card")
    story.of_desk("7-birthday-desk", "automations/quiet_birthday")


def _make_small(out: Path) -> None:
    try:
        from PIL import Image
    except ImportError:
        return
    for path in out.glob("*.png"):
        Image.open(path).convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    main(target)
