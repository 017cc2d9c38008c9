"""F5: LINE answers 30 % 429, 30 % 500, 10 % nothing at all although accepted, and breaks 10 % of the connections.

    python -m tests.torture.answers [--small] [--database sqlite|postgresql]

A campaign and as many personal messages are sent through it (20,000 people; 300 small), half of the 500s and
of the broken connections after LINE had accepted. After a minute (seven seconds) LINE is well again. Nobody
may have anything twice or miss it; no sliding second may hold more calls than LINE allows, counted where they
arrive; and a 429 costs no attempt. About five minutes in full.
"""

import time
from collections import Counter

from sqlalchemy import select

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
from tests.torture._product import Product
from tests.torture._result import Trial, program, step

ALLOWED = {"push": 2000, "multicast": 200}
# Each strikes what those before it spared: 30 %, 30 % (half of them too late), 10 %, 10 % (half too late).
TROUBLES = (
    ("rate_limited", 0.30), ("error_before", 0.15 / 0.70), ("error_after", 0.15 / 0.55),
    ("timeout_after", 0.10 / 0.40), ("reset_before", 0.05 / 0.30), ("reset_after", 0.05 / 0.25),
)  # fmt: skip


def run(trial: Trial) -> None:
    people, seconds = (300, 7) if trial.is_small else (20_000, 60)
    with trial.database() as url, Product(url, trial.folder) as product:
        ids = add_people(product, people)
        for kind, rate in TROUBLES:
            for endpoint in ALLOWED:
                product.line.faults(kind, endpoint=endpoint, rate=rate)
        product.start("worker", "worker-2")
        write_letters(product.sessions, ids)
        ref = approve(product.sessions)
        time.sleep(seconds)
        step("LINE is well again")
        product.line.no_faults()
        sent_out(product, ref, patience=400)
        judge(trial, product, ids)


def judge(trial: Trial, product: Product, ids: list[int]) -> None:
    # Everyone eligible has two: the letter and the campaign. Who only refused marketing has the letter.
    marketing, reached = eligible_of(ids), product.line.deliveries()
    wanted = {user_of(n): 1 for n in ids if not is_blocked(n)}
    wanted |= {user_of(n): 2 for n in marketing}
    over = {name: max(0, product.line.pace(name)["worst_second"] - allowed) for name, allowed in ALLOWED.items()}
    calls = Counter(call["status"] for call in product.line.requests("push") + product.line.requests("multicast"))
    trial.note(
        reached=len(reached),
        doubles=sum(max(0, times - wanted.get(user, 0)) for user, times in reached.items()),
        missed=sum(max(0, times - reached.get(user, 0)) for user, times in wanted.items()),
        over_the_limit=sum(over.values()),
        worst_second={name: product.line.pace(name)["worst_second"] for name in ALLOWED},
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
