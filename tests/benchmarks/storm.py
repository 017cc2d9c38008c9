"""B2: a minute of 300 webhooks a second, each post at its moment whatever the answers do, until all has had its effect.

    python -m tests.benchmarks.storm [--seconds 60] [--rate 300] [--people 10000]

The product as the Procfile starts it (two web processes, one worker) on PostgreSQL, the simulator as LINE. Of ten
posts seven are words (every second one has an answer), two are presses of a button (answered), one is somebody new,
who is asked for at LINE and welcomed. Effects are counted in the tables and, answers, at the simulator. At most
three minutes; ends with 1 when an effect is missing or doubled.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from models.event import Event
from models.inbox import InboundBody, WebhookEvent
from models.member import Friend
from models.programme import KeywordAnswer
from tests.benchmarks import _bench, _crowd, _posts
from tests.torture._product import Product

SPEAKERS = 2_000
PREPARE_SECONDS = 12.0  # between making the posts and the first of them
PATIENCE = 90.0
GOALS = {"p99_ms": 100, "worst_ms": 1000, "settled_s": 30}


@dataclass
class Plan:
    """What will be posted, and what must come of it."""

    events: list[dict[str, Any]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)  # of the journey
    answers: Counter[str] = field(default_factory=Counter)  # by user


def plan(count: int, rate: float, people: int, start: float) -> Plan:
    made = Plan()
    for number in range(count):
        at = int((start + number / rate) * 1000)
        user = f"U{1 + number * 7 % min(people, SPEAKERS):032x}"
        if number % 10 < 7:
            has_answer = number % 2 == 0
            words = "open" if has_answer else f"Is number {number} still there?"
            made.events.append(_posts.text_event(words, user=user, number=number, at=at))
            made.kinds["texted"] += 1
        elif number % 10 < 9:
            press = {"data": "act=card"}
            made.events.append(_posts.event("postback", user=user, number=number, at=at, postback=press))
            made.kinds["postback"] += 1
            has_answer = True
        else:
            user = f"U{people + number:032x}"
            unblocked = {"isUnblocked": False}
            made.events.append(_posts.event("follow", user=user, number=number, at=at, follow=unblocked))
            made.kinds["followed"] += 1
            has_answer = True
        made.answers[user] += has_answer
    return made


def introduce(product: Product, made: Plan, start: float, rate: float) -> None:
    """LINE knows everybody, and has given each event its reply token."""
    users = {event["source"]["userId"] for event in made.events}
    product.line.add_users({"user_id": user, "following": True} for user in sorted(users))
    ahead = start - time.time()
    wanted = [(event["source"]["userId"], ahead + n / rate) for n, event in enumerate(made.events)]
    for event, token in zip(made.events, product.line.ask("POST", "reply_tokens", {"for": wanted}), strict=True):
        event["replyToken"] = token


def teach(product: Product) -> None:
    with product.sessions.writing() as session:
        said = {
            "zh-Hant": "每天十點到二十點",
            "ja": "毎日10時から20時",
            "th": "ทุกวัน 10-20 น.",
            "en": "Every day, 10 to 20.",
        }
        session.add(KeywordAnswer(key="hours", keywords=["open", "hours"], text=said, link_path="/book"))
        session.commit()


def found(product: Product) -> dict[str, Any]:
    """What has had its effect by now."""
    with product.sessions.reading() as session:
        fresh = Event.source == "line"
        rows = session.execute(select(Event.kind, func.count()).where(fresh).group_by(Event.kind))
        kinds = {kind: count for kind, count in rows}  # noqa: C416  # rows are not pairs to `dict`
        waiting = session.scalar(select(func.count()).where(InboundBody.state == "new")) or 0
    return {"kinds": kinds, "waiting": waiting, "answers": sum(product.line.deliveries().values())}


def settle(product: Product, made: Plan) -> tuple[float, dict[str, Any]]:
    """Waits until every effect is there; the seconds that took."""
    began = time.monotonic()
    while True:
        now = found(product)
        spent = time.monotonic() - began
        done = now["kinds"] == dict(made.kinds) and now["answers"] >= sum(made.answers.values())
        if done or spent > PATIENCE:
            return spent, now
        time.sleep(0.5)


def wrong(product: Product, made: Plan, people: int) -> list[str]:
    """What is missing or there twice."""
    delivered = product.line.deliveries()
    told = {user: count for user, count in made.answers.items() if count}
    with product.sessions.reading() as session:
        friends = session.scalar(select(func.count()).where(Friend.id.is_not(None))) or 0
        rows = session.execute(select(WebhookEvent.state, func.count()).group_by(WebhookEvent.state))
        states = {state: count for state, count in rows}  # noqa: C416  # rows are not pairs to `dict`
    checks = {
        "answers at LINE, person by person": delivered == told,
        "friends": friends == people + made.kinds["followed"],
        "events": states == {"done": len(made.events)},
    }
    return [name for name, is_right in checks.items() if not is_right]


def cpu(product: Product, server: _bench.PostgresServer) -> dict[str, float]:
    pids = {"web": product.pid("web"), "worker": product.pid("worker"), "line": product.pid("line")}
    return {name: _bench.cpu_seconds(pid) for name, pid in {**pids, "postgres": server.process.pid}.items()}


def run(product: Product, server: _bench.PostgresServer, *, seconds: float, rate: float, people: int) -> dict[str, Any]:
    teach(product)
    product.start("web", "worker")
    # What is imported on first use is imported: a storm does not begin with a start-up.
    count = int(seconds * rate)
    start = time.time() + PREPARE_SECONDS + count / 5_000
    made = plan(count, rate, people, start)
    introduce(product, made, start, rate)
    url = product.url + "/webhook"
    requests = [_posts.request_of(url, _posts.body_of(each), product.channel.secret) for each in made.events]
    print(f"{count} posts ready, {max(0.0, start - time.time()):.0f} s early", flush=True)
    time.sleep(max(0.0, start - time.time()))
    before = cpu(product, server)
    answers = asyncio.run(_posts.at_a_rate(url, requests, per_second=rate))
    settled, now = settle(product, made)
    spent = {name: value - before[name] for name, value in cpu(product, server).items()}
    return {
        "posts": count, "rate": count / answers.spent, "statuses": dict(answers.statuses),
        "p50_ms": answers.percentile(0.5), "p99_ms": answers.percentile(0.99), "worst_ms": answers.worst,
        "settled_s": settled, "found": now, "wrong": wrong(product, made, people),
        "cpu_ms_per_event": {name: value / count * 1000 for name, value in spent.items()},
    }  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--seconds", type=float, default=60, help="(60)")
    options.add_argument("--rate", type=float, default=300, help="posts a second (300)")
    options.add_argument("--people", type=int, default=10_000, help="members before the storm (10000)")
    chosen = options.parse_args()
    with _bench.postgres() as server, tempfile.TemporaryDirectory(prefix="storm-") as folder:
        url = _bench.database(server.url, "storm")
        _crowd.filled(url, people=chosen.people)
        with Product(url, Path(folder)) as product:
            figures = run(product, server, seconds=chosen.seconds, rate=chosen.rate, people=chosen.people)
        tell(figures, server)
    sys.exit(1 if figures["wrong"] or set(figures["statuses"]) != {200} else 0)


def tell(figures: dict[str, Any], server: _bench.PostgresServer) -> None:
    print(f"{figures['posts']} posts at {figures['rate']:.0f}/s: {figures['statuses']}   load {_bench.load_now():.1f}")
    for name, goal in GOALS.items():
        print(f"  {name:10} {figures[name]:8.1f}   goal {goal}")
    for name, value in figures["cpu_ms_per_event"].items():
        print(f"  {name:10} {value:8.2f} ms CPU an event")
    print(f"  wrong: {figures['wrong'] or 'nothing'}   {figures['found']}")
    _bench.report("B2 storm", {**figures, "load": _bench.load_now(), "pid": os.getpid()}, server=server)


if __name__ == "__main__":
    main()
