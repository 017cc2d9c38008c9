"""What else goes wrong: one after the other against one running product, counted at the receiver.

    python -m tests.torture.others [--small] [--database sqlite|postgresql]

token      the access token is revoked in mid-campaign and made good again: nobody missed, the console said why
html       LINE answers with pages of HTML, then with the page of some network in between: nobody twice or missed
slow       LINE accepts and answers 200 only after a minute (12 s small): our call has given up, the same key asks again
erased     people are erased while a campaign is being sent: from that moment LINE hears nothing for them
tabs       a campaign changed in one tab and approved in another: the approval of what was not read is refused
paused     a worker is stopped (SIGSTOP) with messages in hand for longer than a lease, another takes over, and the
           first wakes up: nobody twice
About four minutes in full, a minute small.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import select

from domain.operations import leaving
from line.letters import LEASE
from models.campaign import Campaign
from models.channel import the_channel
from models.member import Member
from tests.support.staff import StaffBrowser, add_staff
from tests.torture._audience import (
    add_people,
    approve,
    doubles_and_missed,
    eligible_of,
    reached_so_far,
    sent_out,
    state_of,
    user_of,
)
from tests.torture._product import Product, wait_until
from tests.torture._result import Trial, check, program, step

Case = Callable[["Stage"], None]


class Stage:
    """A running product and the people of it; each case sends one campaign to all of them."""

    def __init__(self, product: Product, ids: list[int], *, is_small: bool) -> None:
        self.product, self.ids, self.is_small = product, ids, is_small
        self.eligible = eligible_of(ids)
        self.figures = {"doubles": 0, "missed": 0, "accepted_wrongly": 0}
        self.said: dict[str, object] = {}

    def campaign(self, name: str, during: Callable[[], None], *, patience: float = 240) -> None:
        """Sends to everyone while `during` happens, and counts."""
        before = self.product.line.deliveries()
        ref = approve(self.product.sessions, words="Hello {name}", name=name)
        during()
        sent_out(self.product, ref, patience=patience)
        self.count(before, self.eligible)

    def count(self, before: dict[str, int], eligible: list[int]) -> None:
        counted = doubles_and_missed(before, self.product.line.deliveries(), eligible)
        self.figures = {name: self.figures[name] + counted[name] for name in self.figures}

    def under_way(self, some: int) -> None:
        """Waits until LINE has accepted some of what is being sent."""
        start = reached_so_far(self.product)
        wait_until(lambda: reached_so_far(self.product) >= start + some, "sending to begin", pause=0.02,
                   watch=self.product)  # fmt: skip


def run(trial: Trial) -> None:
    people = 600 if trial.is_small else 10_000
    with trial.database() as url, Product(url, trial.folder) as product:
        stage = Stage(product, add_people(product, people), is_small=trial.is_small)
        add_staff(product.sessions, "owner")
        add_staff(product.sessions, "marketer")
        product.start("web", "worker")
        for case in (token, html, slow, tabs, paused, erased):
            step(case.__name__)
            case(stage)
            product.line.no_faults()
        trial.note(**stage.figures, **stage.said, violations=len(product.line.violations()))


def token(stage: Stage) -> None:
    def during() -> None:
        stage.under_way(50)
        stage.product.line.faults("unauthorized")
        wait_until(lambda: stopped_reason(stage.product) == "locked_out", "the channel to stop", watch=stage.product)
        page = StaffBrowser(stage.product.url, "owner").get("/console/health/").text
        stage.said["token_told"] = 'class="finding' in page or "token" in page.lower()
        time.sleep(2)
        stage.product.line.no_faults()

    stage.campaign("Token revoked", during)
    check(stopped_reason(stage.product) is None, "the channel is still stopped")
    check(stage.said["token_told"], "the console does not say that the token is no good")


def stopped_reason(product: Product) -> str | None:
    with product.sessions.reading() as session:
        return the_channel(session).stopped_reason


def html(stage: Stage) -> None:
    def during() -> None:
        for kind in ("html", "portal"):
            stage.product.line.faults(kind, endpoint="push", rate=0.3)
        time.sleep(3 if stage.is_small else 15)
        stage.product.line.no_faults()

    stage.campaign("HTML", during)


def slow(stage: Stage) -> None:
    def during() -> None:
        seconds = 12.0 if stage.is_small else 60.0
        stage.product.line.faults("delay", endpoint="push", seconds=seconds, times=20)
        time.sleep(1)

    stage.campaign("Slow", during)


def tabs(stage: Stage) -> None:
    """Both marketers have the page open; one changes the words, the other approves what they had read."""
    url, paths = stage.product.url, []
    writer, approver = StaffBrowser(url, "marketer"), StaffBrowser(url, "owner")
    made = writer.post("/console/campaigns/new", {"name": "Two tabs"}, page="/console/campaigns/")
    path = made.url.removeprefix(url).partition("?")[0]
    form = {"name": "Two tabs", "text": "First words", "edit_version": "1", "holdout_percent": "0", "then": "save"}
    writer.post(path, form, page=path)
    read = version_of(stage.product, path)
    approver.get(path)
    writer.post(path, {**form, "text": "Other words", "edit_version": str(read)}, page=path)
    for tab in (approver, writer):  # neither may approve or overwrite what they have not read
        paths.append(refused(tab, f"{path}/approve", {"edit_version": str(read)}, page=path))
        paths.append(refused(tab, path, {**form, "text": "Overwritten", "edit_version": str(read)}, page=path))
    with stage.product.sessions.reading() as session:
        campaign = session.scalars(select(Campaign).where(Campaign.ref == path.rsplit("/", 1)[1])).one()
        stage.said["tabs_refused"] = sum(paths)
        check(campaign.state == "draft", f"an approval of words nobody read made it {campaign.state}")
        check(campaign.content.get("text") == "Other words", f"it says {campaign.content.get('text')!r}")


def version_of(product: Product, path: str) -> int:
    with product.sessions.reading() as session:
        found = session.scalar(select(Campaign.edit_version).where(Campaign.ref == path.rsplit("/", 1)[1]))
        return int(found or 0)


def refused(tab: StaffBrowser, path: str, form: dict[str, str], *, page: str) -> bool:
    try:
        tab.post(path, form, page=page)
    except AssertionError:  # the page says no
        return True
    return False


def paused(stage: Stage) -> None:
    """The one who holds the lease sleeps through it; its answers come back to a fence that has moved on."""

    def during() -> None:
        product = stage.product
        product.line.faults("delay", endpoint="push", seconds=0.4)
        stage.under_way(30)
        product.pause("worker")
        product.start("worker-2")
        time.sleep(LEASE.total_seconds() + 5)
        product.go_on("worker")
        time.sleep(1)
        product.line.no_faults()

    stage.campaign("Paused holder", during)
    stage.product.stop("worker-2")


def erased(stage: Stage) -> None:
    """Some are erased in mid-send. What LINE has accepted for them by then is all they ever get."""
    product, leave = stage.product, stage.eligible[-40:]
    before = product.line.deliveries()
    product.line.faults("delay", endpoint="push", seconds=0.5)
    ref = approve(product.sessions, words="Hello {name}", name="Erased")
    stage.under_way(30)
    with product.sessions.writing() as session:
        for member in session.scalars(select(Member).where(Member.id.in_(leave))):
            leaving.erase(session, member, by="staff", now=datetime.now(UTC))
        session.commit()
    time.sleep(3)  # what had left before arrives
    product.line.no_faults()
    then = product.line.deliveries()
    sent_out(product, ref)
    after = product.line.deliveries()
    stage.said["erased_reached_later"] = sum(after.get(user_of(n), 0) - then.get(user_of(n), 0) for n in leave)
    check(not stage.said["erased_reached_later"], "somebody was written to after being erased")
    check(state_of(product.sessions, ref) == "sent", "the campaign did not end")
    gone = {user_of(n) for n in leave}
    stay = [n for n in stage.eligible if user_of(n) not in gone]
    stage.count({**before, **{user: after.get(user, 0) for user in gone}}, stay)


if __name__ == "__main__":
    program("others", run, doc=__doc__ or "")
