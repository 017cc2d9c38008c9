"""F9: signed bodies that no sane sender makes: cut off, no UTF-8, nested, huge, of unknown types, with odd values.

    python -m tests.torture.webhook_mutants [--small] [--database sqlite|postgresql]

Whatever LINE signs is stored and answered 200, or 413 when it is over a megabyte; a post that got no answer at all
is sent again until it has one. No process may die (the same web workers must be there afterwards) and nothing may
stay in the inbox; what nobody can read is parked with its reason; good events among them have their effects, once,
counted at the simulator. Full size 100,000 bodies (about ten minutes a database), small 400.
"""

import json
import random
from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select

from models.inbox import InboundBody, WebhookEvent
from tests.torture import _posts
from tests.torture._product import Product, wait_until
from tests.torture._result import Trial, check, program
from tests.torture.webhook_kill import WORD, arrived, teach, users

FULL, SMALL = (100_000, 1_000.0), (400, 100.0)  # bodies, posts a second
GOOD_EVERY = 50
HUGE_EVERY = 199
WEB_WORKERS = 2  # as the Procfile has it
# Made once each: there are hundreds of them.
HUGE = tuple(b'{"events":"' + b"x" * size + b'"}' for size in (10 * 2**20, 2**20, 2**20, 2**20))
ODD: list[Any] = [
    None, True, -1, 0, 1e308, 10**400, "", "x" * 70_000, [], {}, [[]], {"a": {"b": []}}, "\0", "\ud800", "\U0001f600",
    "-1", "NaN", "U" + "g" * 32, "'; DROP TABLE member; --",
]  # fmt: skip
KINDS = ("message", "postback", "follow", "unfollow", "unsend", "accountLink", "beacon", "things", "surprise")


def shape(dice: random.Random, number: int) -> dict[str, Any]:
    """A whole event of any kind, by one of a few people; some ids come more than once."""
    person = f"U{dice.randrange(90, 99):032x}"
    return {
        "type": dice.choice(KINDS), "mode": dice.choice(("active", "standby")), "timestamp": 1_700_000_000_000 + number,
        "source": {"type": "user", "userId": person}, "webhookEventId": f"01MUTANT{number % 90_000:018d}",
        "replyToken": f"{number:032x}", "deliveryContext": {"isRedelivery": False},
        "message": {"id": str(number), "type": "text", "text": f"number {number}"},
        "postback": {"data": "act=card&t=x"}, "follow": {"isUnblocked": False},
        "unsend": {"messageId": str(number - 7)},
    }  # fmt: skip


def odd_value(dice: random.Random, number: int) -> bytes:
    """One value, somewhere in it, is something else."""
    event = shape(dice, number)
    name = dice.choice(list(event))
    inside = event[name]
    if isinstance(inside, dict) and inside and dice.random() < 0.7:
        inside[dice.choice(list(inside))] = dice.choice(ODD)
    else:
        event[name] = dice.choice(ODD)
    return _body(event)


def cut_off(dice: random.Random, number: int) -> bytes:
    whole = _body(shape(dice, number))
    return whole[: dice.randrange(len(whole))]


def other_bytes(dice: random.Random, number: int) -> bytes:
    whole = bytearray(_body(shape(dice, number)))
    for _ in range(dice.randrange(1, 6)):
        whole[dice.randrange(len(whole))] = dice.randrange(256)
    return bytes(whole)


def nested(dice: random.Random, number: int) -> bytes:
    depth = dice.choice((50, 300, 390, 410, 900, 990, 5_000, 100_000))
    opening, closing = dice.choice(((b"[", b"]"), (b'{"a":', b"}")))
    return b'{"events":[{"type":"message","x":' + opening * depth + b"1" + closing * depth + b"}]}"


def no_envelope(dice: random.Random, number: int) -> bytes:
    plain = (b"", b"null", b"[]", b"1", b'"x"', b'{"events":7}', b'{"events":[1,null,[]]}', b'{"events":[{}]}', b"NaN")
    return dice.choice((*plain, b'{"events":[{"type":"message","timestamp":1e999,"x":Infinity}]}'))


MUTANTS: tuple[Callable[[random.Random, int], bytes], ...] = (
    odd_value, odd_value, odd_value, cut_off, other_bytes, other_bytes, nested, no_envelope,
)  # fmt: skip


def _body(*events: dict[str, Any]) -> bytes:
    return json.dumps({"destination": "U" + "0" * 32, "events": list(events)}).encode()


def bodies(count: int, asking: list[str]) -> list[bytes]:
    """Mutants, and among them now and then a good question."""
    dice, good = random.Random(9), iter(_posts.texts(asking, lambda _: WORD))
    made = []
    for number in range(count):
        if number % GOOD_EVERY == 0:
            made.append(next(good))
        elif number % HUGE_EVERY == HUGE_EVERY - 1:
            made.append(dice.choice(HUGE))
        else:
            made.append(dice.choice(MUTANTS)(dice, number))
    return made


def states(product: Product) -> dict[str, int]:
    """How many bodies and events there are in each state, and how many are parked without a reason."""
    with product.sessions.reading() as session:
        found = {}
        for name, kind in (("bodies", InboundBody), ("events", WebhookEvent)):
            for state, count in session.execute(select(kind.state, func.count()).group_by(kind.state)):
                found[f"{name}_{state}"] = count
            silent = select(func.count()).where(kind.state == "parked", kind.error.is_(None))
            found["silent"] = found.get("silent", 0) + (session.scalar(silent) or 0)
    return found


def run(trial: Trial) -> None:
    count, rate = SMALL if trial.is_small else FULL
    with trial.database() as url, Product(url, trial.folder) as product:
        teach(product)
        asking = [f"U{10**6 + n:032x}" for n in range(-(-count // GOOD_EVERY))]
        product.line.add_users({"user_id": user, "following": True} for user in [*users(100), *asking])
        product.start("web", "worker")
        wait_until(lambda: len(product.web_workers()) == WEB_WORKERS, "both web workers", watch=product)
        before = processes(product)
        thrown = bodies(count, asking)
        storm = _posts.Storm(
            product.url, product.channel.secret, thrown, rate=rate, connections=16, final=(200, 413)
        ).start()  # fmt: skip
        ledger = storm.join(patience=60 + count / 50)
        got = arrived(product, set(asking), 60 + count / 40)
        wait_until(lambda: _is_read(product, trial), "the inbox to be read", patience=120 + count / 40, pause=1.0)
        judge(trial, product, ledger, thrown, lost=len(set(asking) - got.keys()), twice=[got[user] for user in asking])
        check(processes(product) == before, f"a process died: {before} were there, now {processes(product)}")


def judge(
    trial: Trial, product: Product, ledger: _posts.Ledger, thrown: list[bytes], *, lost: int, twice: list[int]
) -> None:  # fmt: skip
    """Each was answered as it must be, and the inbox is in order."""
    found, statuses = states(product), ledger.statuses()
    too_big = {number for number, body in enumerate(thrown) if len(body) > 1024 * 1024}
    refused = {post.body for post in ledger.posts if post.status == 413}
    trial.note(
        thrown=len(thrown), answered=len(ledger.acked | refused), rate_reached=round(ledger.rate()),
        statuses=statuses, too_big=len(too_big), **found, missed=lost, doubles=sum(times > 1 for times in twice),
    )  # fmt: skip
    check(len(ledger.acked | refused) == len(thrown), "some posts were never answered")
    check(set(statuses) <= {0, 200, 413}, f"answers were {statuses}")
    # A kept-alive connection may end just as it is used again: then there is no answer, and another try.
    check(statuses.get(0, 0) <= len(thrown) / 100, f"too many posts got no answer: {statuses}")
    check(refused == too_big, f"{len(too_big)} were too big, {len(refused)} were told so")
    check(found["silent"] == 0, "something is parked without its reason")


def processes(product: Product) -> dict[str, list[int]]:
    """Who is at work: gunicorn starts another worker for one that crashed, under another number."""
    return {
        "web": [product.pid("web"), *product.web_workers()],
        "worker": [product.pid("worker")] if product.is_running("worker") else [],
    }


def _is_read(product: Product, trial: Trial) -> bool:
    """Nothing waits; in the small form what is still to be tried again may."""
    found = states(product)
    return not found.get("bodies_new") and (trial.is_small or not found.get("events_retry"))


if __name__ == "__main__":
    program("F9 webhook mutants", run, doc=__doc__)
