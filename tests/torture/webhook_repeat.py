"""F3: every event is delivered ten times, shuffled, over 32 connections; it takes effect once.

    python -m tests.torture.webhook_repeat [--small] [--database sqlite|postgresql]

Two workers read side by side. Each event is a question by somebody else, whose answers are counted at the
simulator. Full size 1,000 events ten times at 400 a second, small 60 at 100. About two minutes a database.
"""

import json
import random

from tests.torture import _posts
from tests.torture._product import Product
from tests.torture._result import Trial, check, program
from tests.torture.webhook_kill import WORD, arrived, teach, users

FULL, SMALL = (1_000, 400.0), (60, 100.0)  # events, posts a second
TIMES = 10
SLOWEST = 1.0


def again(body: bytes) -> bytes:
    """The same events as LINE marks them when it delivers again."""
    payload = json.loads(body)
    for event in payload["events"]:
        event["deliveryContext"] = {"isRedelivery": True}
    return json.dumps(payload).encode()


def run(trial: Trial) -> None:
    count, rate = SMALL if trial.is_small else FULL
    with trial.database() as url, Product(url, trial.folder) as product:
        teach(product)
        everybody = users(count)
        product.line.add_users({"user_id": user, "following": True} for user in everybody)
        product.start("web", "worker", "worker-2")
        once = _posts.texts(everybody, lambda _: WORD)
        bodies = once + [again(body) for body in once for _ in range(TIMES - 1)]
        random.Random(3).shuffle(bodies)
        ledger = _posts.Storm(product.url, product.channel.secret, bodies, rate=rate, connections=32).start().join()
        got = arrived(product, set(everybody), 60 + count / 20)
        slowest = ledger.ack_seconds(0.99)
        trial.note(
            events=count, times=TIMES, statuses=ledger.statuses(), p99_ack_ms=round(slowest * 1000),
            missed=len(set(everybody) - got.keys()), doubles=sum(times > 1 for times in got.values()),
        )  # fmt: skip
        check(set(ledger.statuses()) == {200}, f"not all were acknowledged: {ledger.statuses()}")
        check(trial.is_small or slowest < SLOWEST, f"99 of 100 acknowledgements took up to {slowest:.2f} s")


if __name__ == "__main__":
    program("F3 webhook repeat", run, doc=__doc__)
