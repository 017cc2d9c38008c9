"""F2: web workers are killed with SIGKILL again and again while webhooks arrive; what was answered 200 is done once.

    python -m tests.torture.webhook_kill [--small] [--database sqlite|postgresql]

Each post is a question by somebody else, which has an answer: who got one, and how many, is counted at the
simulator. Nothing is delivered again: a post without a 200 may have been stored or not. Full size 15,000 posts at
500 a second (about four minutes a database), small 600 at 100.
"""

import time
from collections import Counter

from models.programme import KeywordAnswer
from tests.torture import _posts
from tests.torture._product import Product, wait_until
from tests.torture._result import Trial, check, program

FULL, SMALL = (15_000, 500.0, 20), (600, 100.0, 3)  # posts, a second, kills
BETWEEN = 50  # at least so many posts answered 200 between one kill and the next: what is killed is at work
WORD = "open"


def teach(product: Product) -> None:
    """The word everybody sends has an answer."""
    with product.sessions.writing() as session:
        said = dict.fromkeys(("zh-Hant", "ja", "th", "en"), "Every day, 10 to 20.")
        session.add(KeywordAnswer(key="hours", keywords=[WORD], text=said))
        session.commit()


def users(count: int) -> list[str]:
    return [f"U{n:032x}" for n in range(1, count + 1)]


def arrived(product: Product, wanted: set[str], patience: float) -> Counter[str]:
    """Waits for everybody's answer, and a little longer for a second one; returns how many each got."""
    wait_until(lambda: wanted <= product.line.deliveries().keys(), "every answer", patience=patience, pause=1.0)
    last = 0
    while (now := sum(product.line.deliveries().values())) != last:
        last = now
        time.sleep(2)
    return Counter(product.line.deliveries())


def torment(product: Product, storm: _posts.Storm, most: int) -> int:
    """Kills a web worker each time some more posts were answered; returns how many it killed."""
    kills, before = 0, 0
    between = max(BETWEEN, len(storm.bodies) // (5 * most))
    while not storm.is_over and kills < most:
        if len(storm.ledger.acked) >= before + between and product.kill_a_web_worker():
            kills, before = kills + 1, len(storm.ledger.acked)
        time.sleep(0.1)
    return kills


def run(trial: Trial) -> None:
    count, rate, most = SMALL if trial.is_small else FULL
    with trial.database() as url, Product(url, trial.folder) as product:
        teach(product)
        everybody = users(count)
        product.line.add_users({"user_id": user, "following": True} for user in everybody)
        product.start("web", "worker")
        bodies = _posts.texts(everybody, lambda _: WORD)
        storm = _posts.Storm(product.url, product.channel.secret, bodies, rate=rate, connections=32, redeliver=False)
        storm.start()
        kills = torment(product, storm, most)
        ledger = storm.join()
        told = {everybody[n] for n in ledger.acked}
        got = arrived(product, told, 30 + count / 50)
        trial.note(
            posts=count, rate=rate, rate_reached=round(ledger.rate()), kills=kills, statuses=ledger.statuses(),
            acked=len(told), answered=len(got),
            false_200=len(told - got.keys()), doubles=sum(times > 1 for times in got.values()),
        )  # fmt: skip
        check(kills == most, f"only {kills} of {most} kills fell before the storm was over")
        check(len(told) >= count / 2, f"only {len(told)} of {count} were answered 200")


if __name__ == "__main__":
    program("F2 webhook kill", run, doc=__doc__)
