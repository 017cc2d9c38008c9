"""F5: LINE answers 30 % 429, 30 % 500, 10 % nothing at all although accepted, and breaks 10 % of the connections.

    python -m tests.torture.answers [--small] [--database sqlite|postgresql]

A campaign to 100,000 people and 20,000 personal messages are sent through it (300 of each small), half of the 500s
and of the broken connections after LINE had accepted. After a minute (seven seconds) LINE is well again; in full,
once the rate has come back, as much again is sent at full speed. Nobody may have anything twice or miss it; no
sliding second may hold more calls than LINE allows, counted where they arrive, and in full the worst must come near
that; and a 429 costs no attempt. About six minutes in full.
"""

import time
from collections import Counter

from sqlalchemy import select

from line.rate import bucket_of, rate_of
from models.channel import the_channel
from models.clock import machine_now
from models.outbox import OutgoingMessage
from tests.torture._audience import (
    add_people,
    approve,
    eligible_of,
    is_blocked,
    sent_out,
    user_of,
    write_letters,
)
from tests.torture._product import Product, wait_until
from tests.torture._result import Trial, program, step

ALLOWED = {"push": 2000, "multicast": 200}
# Each strikes what those before it spared: 30 %, 30 % (half of them too late), 10 %, 10 % (half too late).
TROUBLES = (
    ("rate_limited", 0.30), ("error_before", 0.15 / 0.70), ("error_after", 0.15 / 0.55),
    ("timeout_after", 0.10 / 0.40), ("reset_before", 0.05 / 0.30), ("reset_after", 0.05 / 0.25),
)  # fmt: skip


def run(trial: Trial) -> None:
    people, letters, seconds = (300, 300, 7) if trial.is_small else (100_000, 20_000, 60)
    with trial.database() as url, Product(url, trial.folder) as product:
        ids = add_people(product, people)
        for kind, rate in TROUBLES:
            for endpoint in ALLOWED:
                product.line.faults(kind, endpoint=endpoint, rate=rate)
        product.start("worker", "worker-2")
        write_letters(product.sessions, ids[:letters])
        ref = approve(product.sessions)
        time.sleep(seconds)
        step("LINE is well again")
        product.line.no_faults()
        sent_out(product, ref, patience=400)
        judge(trial, product, wanted(ids, letters, times=1))
        if not trial.is_small:
            at_full_speed(trial, product, ids, letters)


def at_full_speed(trial: Trial, product: Product, ids: list[int], letters: int) -> None:
    """The same again when the rate is what it was: now it must come near the limit, and never above it."""
    step("waiting for the rate to come back")
    wait_until(lambda: all(is_at_full_rate(product, name) for name in ALLOWED), "the rate to come back", patience=120)
    step("once more, at full speed")
    write_letters(product.sessions, ids[:letters], name="again")
    sent_out(product, approve(product.sessions, name="Again"), patience=400)
    judge(trial, product, wanted(ids, letters, times=2))
    trial.came_near({name: (trial.figures["worst_second"][name], allowed) for name, allowed in ALLOWED.items()})


def is_at_full_rate(product: Product, endpoint: str) -> bool:
    with product.sessions.reading() as session:
        bucket = bucket_of(session, the_channel(session).id, endpoint, lock=False)
        return rate_of(bucket, machine_now(session)) >= bucket.per_second


def wanted(ids: list[int], letters: int, *, times: int) -> Counter[str]:
    """How much each must have: the letters and the campaigns, of which those who refused marketing have none."""
    due = Counter({user_of(n): times for n in ids[:letters] if not is_blocked(n)})
    due.update({user_of(n): times for n in eligible_of(ids)})
    return due


def judge(trial: Trial, product: Product, due: Counter[str]) -> None:
    reached = Counter(product.line.deliveries())
    worst = {name: product.line.pace(name)["worst_second"] for name in ALLOWED}
    calls = Counter(call["status"] for call in product.line.requests("push") + product.line.requests("multicast"))
    trial.note(
        reached=len(reached), doubles=(reached - due).total(), missed=(due - reached).total(),
        over_the_limit=sum(max(0, worst[name] - allowed) for name, allowed in ALLOWED.items()), worst_second=worst,
        charged_for_429=charged_wrongly(product), calls=dict(sorted(calls.items())),
        violations=len(product.line.violations()),
    )  # fmt: skip


def charged_wrongly(product: Product) -> int:
    """Letters that count more attempts than LINE counts calls that were not 429."""
    tried = Counter(call["retry_key"] for call in product.line.requests("push") if call["status"] != 429)
    with product.sessions.reading() as session:
        rows = session.execute(select(OutgoingMessage.retry_key, OutgoingMessage.attempts)).all()
    return sum(row.attempts > tried[row.retry_key] for row in rows)


if __name__ == "__main__":
    program("F5", run, doc=__doc__ or "")
