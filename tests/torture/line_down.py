"""F6: LINE accepts but answers 500, then cannot be reached for 25 hours of business time, then is back.

    python -m tests.torture.line_down [--small] [--database sqlite|postgresql]

What may have been accepted and is older than its retry key's life is never sent again by itself: its chunks
and letters become `unsure`, which the health page and /metrics say, and wait for a person. What certainly was
not accepted is sent when LINE is back. Each person has exactly what the first attempts brought and one letter that
was never tried, counted at the simulator, under whatever retry key. The 25 hours are the practice clock's, which
the simulator follows. About a minute.
"""

import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from models.campaign import CampaignChunk
from models.clock import PracticeClock
from models.outbox import OutgoingMessage
from tests.support.staff import StaffBrowser, add_staff
from tests.torture._audience import (
    OVER,
    add_people,
    approve,
    eligible_of,
    is_blocked,
    outcomes,
    state_of,
    tally,
    user_of,
    write_letters,
)
from tests.torture._product import Product, wait_until
from tests.torture._result import Trial, check, program, step

HOURS = 25
REFUSING_SECONDS = 8
SAID = ("Parts of campaigns that may or may not have arrived", "Messages that may or may not have arrived")
KEY = "a-key-for-the-figures"


def run(trial: Trial) -> None:
    people = 600 if trial.is_small else 5_000
    with trial.database() as url, Product(url, trial.folder, metrics_key=KEY) as product:
        ids = add_people(product, people)
        product.line.faults("error_after", endpoint="push")
        product.line.faults("error_after", endpoint="multicast")
        product.start("web", "worker")
        write_letters(product.sessions, ids[:50], name="in-doubt")
        shared, personal = approve(product.sessions), approve(product.sessions, words="Hello {name}", name="Personal")
        first = wanted(ids[:50]) + wanted(eligible_of(ids), times=2)
        wait_until(lambda: all_in_doubt(product, shared, personal), "every first attempt", watch=product)
        wait_until(lambda: product.line.deliveries() == first, "LINE to accept each once", watch=product)
        known = go_away(product)
        write_letters(product.sessions, ids[50:100], name="never-tried")
        step(f"{HOURS} hours pass")
        pass_time(product)
        wait_until(lambda: settled(product, shared, personal), "everything to be settled", patience=120, watch=product)
        wait_until(lambda: letters(product, "never-tried")["sent"] == 50, "what was never tried", watch=product)
        judge(trial, product, known, first + wanted(ids[50:100]), shared, personal)


def wanted(ids: list[int], times: int = 1) -> Counter[str]:
    """How many messages each of these must have; who blocked us none."""
    return Counter({user_of(n): times for n in ids if not is_blocked(n)})


def go_away(product: Product) -> set[str]:
    """Not even a connection from now on; returns the retry keys LINE has seen so far."""
    known = {call["retry_key"] for name in ("push", "multicast") for call in product.line.requests(name)}
    product.line.faults("refuse", seconds=REFUSING_SECONDS)
    time.sleep(0.5)
    return known


def all_in_doubt(product: Product, *refs: str) -> bool:
    """Every chunk has had its first attempt, and so has every letter."""
    with product.sessions.reading() as session:
        untried = session.scalars(select(CampaignChunk.no).where(CampaignChunk.first_attempt_at.is_(None))).all()
        chunks = len(session.scalars(select(CampaignChunk.no)).all())
        first = OutgoingMessage.first_attempt_at.is_(None)
        waiting = session.scalars(
            select(OutgoingMessage.id).where(first, OutgoingMessage.state.in_(("queued", "claimed")))
        ).all()
    going = all(state_of(product.sessions, ref) == "sending" for ref in refs)
    return going and chunks > 0 and not untried and not waiting


def pass_time(product: Product) -> None:
    """Moves business time; the simulator, which remembers retry keys by it, follows."""
    seconds = HOURS * 3600
    with product.sessions.writing() as session:
        session.merge(
            PracticeClock(id=1, offset_seconds=seconds, target_seconds=seconds, started_from=seconds, working=None)
        )
        session.commit()
    wait_until(lambda: answers(product), "LINE to be back", pause=0.02)
    product.line.set_clock(seconds)
    product.line.no_faults()


def answers(product: Product) -> bool:
    try:
        return bool(product.line.ask("GET", "faults") is not None)
    except OSError:
        return False


def settled(product: Product, *refs: str) -> bool:
    return all(state_of(product.sessions, ref) in OVER for ref in refs) and letters(product, "in-doubt")["queued"] == 0


def letters(product: Product, name: str) -> dict[str, int]:
    return tally(product.sessions, OutgoingMessage.state, OutgoingMessage.name == name)


def judge(
    trial: Trial, product: Product, known: set[str], each: Counter[str], shared: str, personal: str
) -> None:  # fmt: skip
    back = datetime.now(UTC) + timedelta(hours=HOURS - 1)
    late = [
        call
        for name in ("push", "multicast")
        for call in product.line.requests(name)
        if datetime.fromisoformat(call["at"]) > back
    ]
    found = outcomes(product.sessions, shared) + outcomes(product.sessions, personal)
    chunks = tally(product.sessions, CampaignChunk.state)
    got = Counter(product.line.deliveries())
    _, figures = product.get("/metrics", Authorization=f"Bearer {KEY}")
    trial.note(
        resent_by_itself=sum(call["retry_key"] in known for call in late),
        doubles=(got - each).total(), missed=(each - got).total(), late_calls=len(late),
        unsure_people=found["unsure"], unsure_chunks=chunks["unsure"],
        unsure_letters=letters(product, "in-doubt")["unsure"], sent_afterwards=letters(product, "never-tried")["sent"],
        violations=len(product.line.violations()), alerts=alerts(product),
    )  # fmt: skip
    check(found["unsure"] > 0 and chunks["unsure"] > 0, f"nothing is unsure: {dict(found)}, {dict(chunks)}")
    check('regulars_needs_person{what="unsure_chunks"}' in figures, "/metrics does not tell of unsure chunks")
    check(trial.figures["alerts"] == list(SAID), "the health page does not say it")


def alerts(product: Product) -> list[str]:
    """What the page "Is everything all right?" says of it."""
    add_staff(product.sessions, "owner")
    page = StaffBrowser(product.url, "owner").get("/console/health/").text
    return [words for words in SAID if words in page]


if __name__ == "__main__":
    program("F6", run, doc=__doc__ or "")
