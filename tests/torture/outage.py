"""F4: PostgreSQL restarted, then away for 30 seconds, while a campaign is being sent and webhooks pour in.

    python -m tests.torture.outage [--small]

A crash restart and an outage (8 s in the small form) hit a campaign and a storm of follows. Meanwhile the
webhook must answer 5xx, never 200 for what is not kept; nothing may be sent twice or missed, counted at the
simulator (each follower is welcomed once); ten seconds after PostgreSQL is back, posts are acknowledged and
LINE hears from us again. LINE redelivers what got no 200. About two minutes in full.
"""

import signal
import time
from datetime import datetime

from tests.support.postgres import PostgresServer
from tests.torture._audience import (
    OVER,
    add_people,
    approve,
    doubles_and_missed,
    has_refused,
    is_blocked,
    know_at_line,
    state_of,
    user_of,
)
from tests.torture._posts import Ledger, Storm, follows
from tests.torture._product import Product, wait_until
from tests.torture._result import DURABLE, Trial, check, own_server, program, step

RECOVERED_WITHIN = 10.0


def run(trial: Trial) -> None:
    """On a server of its own, which it may break."""
    with own_server(trial.kind, DURABLE) as server, trial.database() as url, Product(url, trial.folder) as product:
        assert server is not None
        torment(trial, product, server)


def torment(trial: Trial, product: Product, server: PostgresServer) -> None:
    people, followers, outage = (1_000, 900, 5.0) if trial.is_small else (30_000, 8_000, 30.0)
    ids = add_people(product, people)
    new = list(range(1_000_000, 1_000_000 + followers))
    know_at_line(product, new)
    step("starting")
    product.start("web", "worker", "clock")
    ref = approve(product.sessions, words="Hello {name}")
    storm = Storm(product.url, product.channel.secret, follows(map(user_of, new)), rate=50 if trial.is_small else 100)
    storm.start()
    time.sleep(2 if trial.is_small else 10)
    back = [hit(server, 0.0, storm, product)]
    time.sleep(1 if trial.is_small else 10)
    back.append(hit(server, outage, storm, product))
    step("PostgreSQL is back for good; the storm goes on")
    ledger = storm.join(300)
    step(f"the storm is over: {ledger.statuses()}")
    wait_until(lambda: state_of(product.sessions, ref) in OVER, "the campaign to end", patience=200, watch=product)
    step("the campaign is over")
    eligible = [n for n in ids if not is_blocked(n) and not has_refused(n)] + new
    settle(product, len(eligible))
    counted = doubles_and_missed({}, product.line.deliveries(), eligible)
    acks, sends = max(each[0] for each in back), max(each[1] for each in back)
    trial.note(
        **counted, false_200=unkept(product, ledger, new), statuses=ledger.statuses(),
        acknowledged_again=round(acks, 1), sending_again=round(sends, 1), violations=len(product.line.violations()),
    )  # fmt: skip
    dead = [name for name in ("web", "worker", "clock") if not product.is_running(name)]
    check(not dead, f"did not live through it: {', '.join(dead)}")
    check(storm.is_over, "some posts were never acknowledged")
    check(max(acks, sends) < RECOVERED_WITHIN, f"recovery took {acks:.1f} s (posts), {sends:.1f} s (sending)")


def hit(server: PostgresServer, away: float, storm: Storm, product: Product) -> tuple[float, float]:
    """Takes PostgreSQL away at once, brings it back; seconds until a 200, and until LINE heard from the worker."""
    step(f"PostgreSQL goes away for {away:.0f} s")
    server.stop(signal.SIGQUIT)
    time.sleep(away)
    server.start()
    back, wall = time.monotonic(), time.time()
    wait_until(lambda: any(post.status == 200 and post.at > wall for post in storm.ledger.posts[-400:]),
               "an acknowledged post", pause=0.05, watch=product)  # fmt: skip
    acknowledged = time.monotonic() - back
    wait_until(lambda: last_push(product) > wall, "LINE to hear from the worker", pause=0.05, watch=product)
    return acknowledged, time.monotonic() - back


def last_push(product: Product) -> float:
    found = product.line.ask("GET", "requests?endpoint=push&limit=1")
    return datetime.fromisoformat(found[0]["at"]).timestamp() if found else 0.0


def settle(product: Product, everyone: int) -> None:
    """Waits until nobody is left to reach, or nothing has been sent for a while."""
    calm, before = time.monotonic(), -1
    while time.monotonic() - calm < 40:
        now = len(product.line.deliveries())
        if now >= everyone:
            break
        if now != before:
            calm, before = time.monotonic(), now
        time.sleep(0.5)
    time.sleep(1)  # a second copy would be on its heels


def unkept(product: Product, ledger: Ledger, new: list[int]) -> int:
    """Follows that were answered 200 and never welcomed."""
    reached = product.line.deliveries()
    return sum(user_of(new[body]) not in reached for body in ledger.acked)


if __name__ == "__main__":
    program("F4", run, doc=__doc__ or "", kinds=("postgresql",))
