"""B9: one coupon everybody wants, 32 connections; and 20 seats for 2,000 bookers.

    python run.py bench hot_coupon [--seconds N]      (about a minute and a half)

Ours is the product's own claim operation. The peer is the same operation with the coupon's row locked first
(SELECT … FOR UPDATE), the usual way; the two take turns on one database. Both are run as they are, and once more
with every exchange with the database taking a millisecond longer, as it does when the database is another machine.
Nothing may be oversold, and nobody may have two.
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.operations import booking, claiming
from models.benefit import Coupon, CouponClaim
from models.member import Member
from models.session import Sessions, make_engine
from models.store import Booking, Slot, Store
from tests.benchmarks._bench import ROOT, database, load_now, postgres, report
from tests.benchmarks._crowd import filled

CREWS, THREADS = 4, 8  # 32 connections
PEOPLE = 200_000
BOOKERS, SEATS = 2_000, 20
SCARCE = 500
FAR_AWAY = 0.001  # seconds that an exchange takes longer
ROUNDS = 3


@dataclass
class Turn:
    """One crew of processes let loose on one coupon."""

    done: int
    seconds: float
    our_cpu: float

    @property
    def per_second(self) -> float:
        return self.done / self.seconds


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each turn lasts")
    parser.add_argument("--crew", help="what one process of a crew is told (JSON); not for people")
    chosen = parser.parse_args()
    if chosen.crew:
        return crew(**json.loads(chosen.crew))
    with postgres() as server:
        url = database(server.url, "hot")
        filled(url, people=PEOPLE)
        make_offers(url)
        figures = {
            f"claims{name}": compare(url, delay, chosen.seconds) for name, delay in (("", 0.0), ("_far", FAR_AWAY))
        }
        figures |= {
            "scarce": scarce(url),
            "seats": seats(url),
            "load": load_now(),
            "cores_shared_with_postgresql": True,
        }
        wrong = [words for words, is_so in judge(url, figures) if not is_so]
        report("hot_coupon", {**figures, "wrong": wrong}, server=server)
    sys.exit("; ".join(wrong) if wrong else 0)


def make_offers(url: str) -> None:
    now = datetime.now(UTC)
    with Sessions(make_engine(url)).writing() as session:
        for name in ("hot", "hot_locked", "hot_far", "hot_far_locked"):
            session.add(Coupon(key=name, stock=1_000_000, valid_days=30, per_person=1_000_000))
        session.add(Coupon(key="scarce", stock=SCARCE, valid_days=30))
        store = Store(key="main", name="Main Street")
        session.add(store)
        session.flush()
        begins = now + timedelta(days=3)
        session.add(Slot(store_id=store.id, starts_at=begins, ends_at=begins + timedelta(hours=1), capacity=SEATS))
        session.commit()


def compare(url: str, delay: float, seconds: float) -> dict[str, Any]:
    """Turn by turn, so that whatever else the machine does falls on both."""
    place, coupon = ("1 ms away", "hot_far") if delay else ("here", "hot")
    turns: dict[str, list[Turn]] = {"ours": [], "locked": []}
    for number in range(ROUNDS):
        for mode in turns:
            key = coupon if mode == "ours" else f"{coupon}_locked"
            turns[mode].append(let_loose(url, mode=mode, coupon=key, seconds=seconds, delay=delay, turn=number))
    ours, locked = (statistics.median(turn.per_second for turn in turns[mode]) for mode in turns)
    cpu = statistics.median(1000 * turn.our_cpu / max(turn.done, 1) for turn in turns["ours"])
    ratio = ours / locked
    print(f"database {place:10} ours {ours:7.0f}/s   FOR UPDATE first {locked:7.0f}/s   {ratio:4.2f}x   "
          f"our CPU {cpu:.2f} ms a claim")  # fmt: skip
    return {"ours_per_s": ours, "for_update_per_s": locked, "ratio": ratio, "cpu_ms_per_claim": cpu}


def let_loose(url: str, *, seconds: float, **told: Any) -> Turn:
    """Starts the processes, lets them go together, and adds up what they did."""
    crews = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.hot_coupon", "--crew",
             json.dumps({"url": url, "seconds": seconds, "number": number, **told})],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(CREWS)
    ]  # fmt: skip
    for each in crews:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in crews:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    results = [json.loads(each.communicate(timeout=120)[0]) for each in crews]
    return Turn(
        sum(each["done"] for each in results), max(each["seconds"] for each in results),
        sum(each["cpu"] for each in results),
    )  # fmt: skip


def crew(url: str, mode: str, coupon: str, seconds: float, number: int, turn: int, delay: float) -> None:
    """One process of eight connections: claims by one person after another until the time is over."""
    engine = make_engine(url, pool_size=THREADS, max_overflow=0)
    if delay:
        event.listen(engine, "before_cursor_execute", lambda *_: time.sleep(delay))
        event.listen(engine, "commit", lambda *_: time.sleep(delay))
    sessions, done = Sessions(engine), Counter[int]()
    share = PEOPLE // (CREWS * THREADS * ROUNDS)  # everybody claims once: asking again would only find it
    warm(sessions)
    print("ready", flush=True)
    sys.stdin.readline()
    began, spent = time.monotonic(), time.process_time()

    def work(thread: int) -> None:
        first = 1 + ((turn * CREWS + number) * THREADS + thread) * share
        while time.monotonic() - began < seconds and done[thread] < share:
            claim(sessions, coupon, first + done[thread], locked=mode == "locked")
            done[thread] += 1

    at_once([lambda thread=thread: work(thread) for thread in range(THREADS)])
    taken = time.monotonic() - began
    print(json.dumps({"done": sum(done.values()), "seconds": taken, "cpu": time.process_time() - spent}))


def warm(sessions: Sessions) -> None:
    """Connections are made, statements compiled, before anything is measured."""
    with sessions.writing() as session:
        member = session.get_one(Member, 1)
        claiming.claim(session, member, "hot", now=datetime.now(UTC))


def claim(sessions: Sessions, coupon: str, member_id: int, *, locked: bool) -> None:
    """As the door does it: the person, the operation, the commit. The peer locks the coupon before it looks."""
    with sessions.writing() as session:
        member = session.get_one(Member, member_id)
        if locked:
            session.scalar(select(Coupon).where(Coupon.key == coupon).with_for_update())
        claiming.claim(session, member, coupon, now=datetime.now(UTC))
        session.commit()


def scarce(url: str) -> dict[str, int]:
    """More people than coupons, all at once."""
    sessions, outcomes = Sessions(make_engine(url, pool_size=32, max_overflow=0)), Counter[str]()

    def one(first: int) -> None:
        for member_id in range(first, SCARCE * 4 + 1, 32):
            try:
                claim(sessions, "scarce", member_id, locked=False)
                outcomes["claimed"] += 1
            except Conflict as refusal:
                outcomes[refusal.code] += 1

    at_once([lambda first=first: one(first) for first in range(1, 33)])
    print(f"{SCARCE} coupons, {SCARCE * 4} people, 32 connections: {dict(outcomes)}")
    return dict(outcomes)


def seats(url: str) -> dict[str, Any]:
    """Twenty seats, two thousand people."""
    sessions, outcomes = Sessions(make_engine(url, pool_size=32, max_overflow=0)), Counter[str]()
    with sessions.reading() as session:
        slot_id = session.scalars(select(Slot.id)).one()

    def one(first: int) -> None:
        for member_id in range(first, BOOKERS + 1, 32):
            try:
                with sessions.writing() as session:
                    member = session.get_one(Member, member_id)
                    booking.book(session, member, slot_id=slot_id, now=datetime.now(UTC))
                    session.commit()
                outcomes["booked"] += 1
            except Conflict as refusal:
                outcomes[refusal.code] += 1

    began = time.monotonic()
    at_once([lambda first=first: one(first) for first in range(1, 33)])
    seconds = time.monotonic() - began
    print(f"{SEATS} seats, {BOOKERS} people, 32 connections: {dict(outcomes)} in {seconds:.1f} s")
    return {**outcomes, "seconds": seconds}


def at_once(works: list[Any]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def judge(url: str, figures: dict[str, Any]) -> list[tuple[str, bool]]:
    """What must be so whatever the speed."""
    with Session(make_engine(url)) as session:
        coupons = session.scalars(select(Coupon)).all()
        claims = dict(
            session.execute(select(CouponClaim.coupon_id, func.count()).group_by(CouponClaim.coupon_id)).all()
        )
        twice = select(CouponClaim.coupon_id).join(Coupon).where(Coupon.key == "scarce")
        most = session.scalar(select(func.max(text("n"))).select_from(
            twice.add_columns(func.count().label("n")).group_by(CouponClaim.coupon_id, CouponClaim.member_id).subquery()
        ))  # fmt: skip
        booked = session.scalar(select(func.count()).select_from(Booking))
        slot = session.scalars(select(Slot)).one()
        return [
            ("stock and claims differ", all(each.issued == claims.get(each.id, 0) for each in coupons)),
            (f"not exactly {SCARCE} scarce coupons", figures["scarce"].get("claimed") == SCARCE),
            ("somebody has two", most == 1),
            (f"not exactly {SEATS} seats", booked == slot.taken == figures["seats"].get("booked") == SEATS),
        ]


if __name__ == "__main__":
    main()
