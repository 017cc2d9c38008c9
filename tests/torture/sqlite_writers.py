"""F13: SQLite with 8 writers and 32 readers through the running product, web workers killed with SIGKILL 50 times.

    python -m tests.torture.sqlite_writers [--small]

Eight people save, webhooks arrive and a worker reads and sends, while 32 others look. No one may read "locked"
(503 with Retry-After counts as being asked to wait, any other 5xx as an error); who looks, while no web worker
is being started, has an answer within two seconds (p99); and in the end PRAGMA integrity_check says ok and
everything that was acknowledged is there. About four minutes in full.
"""

import http.client
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import insert, make_url, select

from models.inbox import InboundBody
from models.member import Friend, Member
from tests.support.serving import member_headers
from tests.torture._audience import know_at_line, user_of
from tests.torture._posts import Storm, follows
from tests.torture._product import Product, wait_until
from tests.torture._result import Trial, check, program

READERS, WRITERS = 32, 8
WAIT = 2.0


def run(trial: Trial) -> None:
    kills, members, posts = (4, 40, 100) if trial.is_small else (50, 400, 2_000)
    with trial.database() as url, Product(url, trial.folder) as product:
        refs = furnish(product, members)
        new = list(range(10_001, 10_001 + posts))
        know_at_line(product, new)
        product.start("web", "worker")
        storm = Storm(product.url, product.channel.secret, follows(map(user_of, new)), rate=25).start()
        crowd = Crowd(product.url, refs)
        crowd.start()
        for _ in range(kills):
            crowd.is_calm = True
            time.sleep(random.uniform(0.8, 1.6))
            crowd.is_calm = False
            product.kill_a_web_worker()
            wait_until(lambda: is_quick(product), "web to be itself again", watch=product)
        crowd.stop()
        ledger = storm.join(120)
        judge(trial, product, crowd, lost=kept(product, [user_of(new[body]) for body in ledger.acked]), kills=kills)


def is_quick(product: Product) -> bool:
    """Whether both web workers answer at once again: starting one takes seconds, which are not the database's."""
    began = time.monotonic()
    return all(product.get("/healthz")[0] == 200 for _ in range(6)) and time.monotonic() - began < 0.5


def furnish(product: Product, members: int) -> list[str]:
    now = datetime.now(UTC)
    with product.sessions.writing() as session:
        rows = [
            {"ref": f"M{n:06d}", "name": f"Member {n}", "language": "en", "created_at": now, "registered_at": now}
            for n in range(members)
        ]
        session.execute(insert(Member), rows)
        session.commit()
    return [str(row["ref"]) for row in rows]


class Crowd:
    """People who look and people who save, each over and over."""

    def __init__(self, url: str, refs: list[str]) -> None:
        self.host, self.url, self.refs = url.removeprefix("http://"), url, refs
        self.statuses: Counter[int] = Counter()
        self.locked = 0
        self.is_calm = False
        self.waits: list[float] = []
        self._stop = threading.Event()
        works = [self._save] * WRITERS + [self._look] * READERS
        self._threads = [threading.Thread(target=self._go, args=(work,), daemon=True) for work in works]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _go(self, work: Callable[[], None]) -> None:
        while not self._stop.is_set():
            work()
            time.sleep(random.uniform(0.2, 0.6))

    def _look(self) -> None:
        began, calm = time.monotonic(), self.is_calm
        status = self._ask("GET", random.choice(("/liff/api/card", "/liff/api/coupons")))
        if status and calm and self.is_calm:
            self.waits.append(time.monotonic() - began)

    def _save(self) -> None:
        self._ask("POST", "/liff/api/openings", '{"page": "card"}')

    def _ask(self, method: str, path: str, body: str | None = None) -> int:
        connection = http.client.HTTPConnection(self.host, timeout=30)
        try:
            connection.request(method, path, body, member_headers(self.url, random.choice(self.refs)))
            answer = connection.getresponse()
            words = answer.read()
            self.locked += b"locked" in words.lower()
            status = answer.status
        except (OSError, http.client.HTTPException):
            status = 0  # its web worker was killed
        finally:
            connection.close()
        self.statuses[status] += 1
        return status


def kept(product: Product, acked: list[str]) -> int:
    """Followers that were answered 200 and whom neither the inbox nor the people know."""
    with product.sessions.reading() as session:
        known = set(session.scalars(select(Friend.user_id)))
        waiting = b"".join(session.scalars(select(InboundBody.body)))
    return sum(user not in known and user.encode() not in waiting for user in acked)


def judge(trial: Trial, product: Product, crowd: Crowd, *, lost: int, kills: int) -> None:
    product.stop("worker")
    product.kill("web")
    with sqlite3.connect(make_url(product.database_url).database or "") as connection:
        integrity = connection.execute("PRAGMA integrity_check").fetchone()[0]
    waits = sorted(crowd.waits)
    p99 = waits[int(len(waits) * 0.99)] if waits else 0.0
    trial.note(
        integrity_check=integrity, told_locked=crowd.locked, lost=lost, kills=kills,
        statuses=dict(sorted(crowd.statuses.items())), look_p99=round(p99, 2),
        look_slowest=round(waits[-1] if waits else 0.0, 2),
        looks=len(waits),
    )  # fmt: skip
    check(p99 < WAIT, f"who looks waits {p99:.1f} s")
    check(integrity == "ok", f"integrity_check: {integrity}")
    errors = {status: n for status, n in crowd.statuses.items() if status >= 500 and status != 503}
    check(not crowd.locked and not errors, f"people were shown {errors or 'that the database is locked'}")


if __name__ == "__main__":
    program("F13", run, doc=__doc__ or "", kinds=("sqlite",))
