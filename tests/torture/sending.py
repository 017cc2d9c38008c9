"""F1: kills every sender with SIGKILL again and again while they send, and counts at the receiver who got what.

    python -m tests.torture.sending [--small] [--database sqlite|postgresql]

100,000 personal pushes, then 200 multicasts that LINE takes two seconds to answer, with two workers on
PostgreSQL killed together 20 times in each (10,000, 20 and one worker on SQLite). Everyone eligible must have
each exactly once, counted at the simulator; in our own rows audience = sent + withheld + failed + unsure; all
the kills must have fallen; and after each LINE must hear from us again within a lease and five seconds: what
counts as a sign of life is a call that arrives at the simulator. About ten minutes in full.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from line.letters import LEASE
from models.outbox import OutgoingMessage
from tests.torture._audience import (
    OVER,
    add_people,
    approve,
    doubles_and_missed,
    has_refused,
    is_blocked,
    letters_open,
    outcomes,
    state_of,
    tally,
    write_letters,
)
from tests.torture._product import Product, wait_until
from tests.torture._result import Trial, check, program

RESUME_WITHIN = LEASE.total_seconds() + 5
CHUNK = 500
# In the small form there is so little to send that LINE must be slow, or a kill would come too late.
SLOW_SMALL, SLOW = 6.0, 2.0


@dataclass(frozen=True)
class Size:
    """How much to send, with how many workers, and how often to kill them."""

    letters: int
    multicasts: int
    kills: int
    workers: Sequence[str]


FULL = {
    "postgresql": Size(100_000, 200, 20, ("worker", "worker-2")),
    "sqlite": Size(10_000, 20, 20, ("worker",)),
}
SMALL = Size(2000, 4, 1, ("worker",))


def run(trial: Trial) -> None:
    size = SMALL if trial.is_small else FULL[trial.kind]
    with trial.database() as url, Product(url, trial.folder) as product:
        ids = add_people(product, max(size.letters, size.multicasts * CHUNK))
        letters_once(trial, product, size, ids[: size.letters])
        multicasts_once(trial, product, size, ids)
        trial.note(violations=len(product.line.violations()))


def letters_once(trial: Trial, product: Product, size: Size, ids: list[int]) -> None:
    write_letters(product.sessions, ids)
    eligible = [n for n in ids if not is_blocked(n)]
    if trial.is_small:
        product.line.faults("delay", endpoint="push", seconds=SLOW_SMALL)
    resumed = torment(product, size, "push", lambda: not letters_open(product.sessions), span=0.8)
    counted = doubles_and_missed({}, product.line.deliveries(), eligible)
    found = tally(product.sessions, OutgoingMessage.state)
    _note(trial, "pushes", counted, resumed, size)
    check(found["sent"] == len(eligible) and sum(found.values()) == len(ids), f"our rows say {dict(found)}")


def multicasts_once(trial: Trial, product: Product, size: Size, ids: list[int]) -> None:
    before = product.line.deliveries()
    product.line.faults("delay", endpoint="multicast", seconds=SLOW_SMALL if trial.is_small else SLOW)
    ref = approve(product.sessions)
    span = 0.5 if trial.is_small else 2.2
    resumed = torment(product, size, "multicast", lambda: state_of(product.sessions, ref) in OVER, span=span)
    eligible = [n for n in ids if not is_blocked(n) and not has_refused(n)]
    counted = doubles_and_missed(before, product.line.deliveries(), eligible)
    found = outcomes(product.sessions, ref)
    _note(trial, "multicasts", counted, resumed, size)
    check(found["sent"] == len(eligible), f"our rows say {dict(found)}")


def torment(
    product: Product, size: Size, endpoint: str, is_done: Callable[[], bool], *, span: float
) -> list[float]:  # fmt: skip
    """Kills all workers at random moments of their work, then lets them finish; seconds until each went on.

    They are at work when LINE is called; a kill falls within `span` seconds of the first call after the last one.
    """
    resumed: list[float] = []
    killed_at, seen = 0.0, calls(product, endpoint)
    product.start(*size.workers)
    while has_called(product, endpoint, seen, is_done):
        if killed_at:
            resumed.append(time.monotonic() - killed_at)
        if len(resumed) >= size.kills:
            break
        time.sleep(random.uniform(0, span))
        killed_at = time.monotonic()
        product.kill(*size.workers)
        seen = calls_when_calm(product, endpoint)
        product.start(*size.workers)
    product.line.no_faults()
    wait_until(is_done, "everything to be sent", patience=600, pause=0.3, watch=product)
    product.stop(*size.workers)
    return resumed


def calls(product: Product, endpoint: str) -> int:
    """How many calls have arrived at LINE."""
    return int(product.line.pace(endpoint)["calls"])


def calls_when_calm(product: Product, endpoint: str) -> int:
    """The same, once what was under way when they died has arrived: it is no sign of life."""
    before = -1
    while (now := calls(product, endpoint)) != before:
        before = now
        time.sleep(0.2)
    return now


def has_called(product: Product, endpoint: str, seen: int, is_done: Callable[[], bool]) -> bool:
    """True once LINE hears from them again, False when all is done instead."""
    wait_until(
        lambda: calls(product, endpoint) > seen or is_done(), "a call from the workers", pause=0.05, watch=product
    )
    return calls(product, endpoint) > seen


def _note(trial: Trial, what: str, counted: dict[str, int], resumed: list[float], size: Size) -> None:
    """Adds up what must be nought over both halves, and tells the rest apart."""
    for name in ("doubles", "missed", "accepted_wrongly"):
        trial.note(**{name: trial.figures.get(name, 0) + counted[name]})
    slowest = round(max(resumed, default=0.0), 1)
    trial.note(**{f"{what}_reached": counted["reached"], f"{what}_kills": len(resumed), f"{what}_resumed": slowest})
    check(len(resumed) == size.kills, f"{what}: only {len(resumed)} of {size.kills} kills fell while they worked")
    check(slowest < RESUME_WITHIN, f"it took {slowest} s to go on after a kill ({RESUME_WITHIN} allowed)")


if __name__ == "__main__":
    program("F1", run, doc=__doc__ or "")
