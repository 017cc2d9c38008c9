"""F10: 200 clients claim 1,000 coupons while web workers are killed with SIGKILL, on both databases.

    python -m tests.torture.coupons [--small] [--database sqlite|postgresql]

1,500 members (200 small, 100 coupons) each press the button until they have an answer; a connection that
breaks is tried again, as the mini-app does. Exactly 1,000 claims, one a member, and each member who was told
yes has theirs. About a minute in full.
"""

import http.client
import json
import queue
import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime

from sqlalchemy import func, insert, select

from models.benefit import Coupon, CouponClaim
from models.member import Member
from tests.support.factories import make_coupon
from tests.support.serving import member_headers
from tests.torture._product import Product
from tests.torture._result import Trial, check, program

PATH = "/liff/api/coupons/drop/claims"


def run(trial: Trial) -> None:
    members, stock, clients, kills = (200, 100, 40, 3) if trial.is_small else (1_500, 1_000, 200, 20)
    with trial.database() as url, Product(url, trial.folder) as product:
        refs = furnish(product, members, stock)
        product.start("web")
        crowd = Crowd(product.url, refs, clients)
        crowd.start()
        hits = 0
        while crowd.is_at_work and hits < kills:
            time.sleep(random.uniform(0.1, 0.5))
            hits += product.kill_a_web_worker()
        crowd.join()
        judge(trial, product, crowd, stock, hits)


def furnish(product: Product, members: int, stock: int) -> list[str]:
    now = datetime.now(UTC)
    with product.sessions.writing() as session:
        rows = [
            {"ref": f"M{n:06d}", "name": f"Member {n}", "language": "en", "created_at": now, "registered_at": now}
            for n in range(members)
        ]
        session.execute(insert(Member), rows)
        make_coupon(session, "drop", stock=stock)
        session.commit()
    return [str(row["ref"]) for row in rows]


class Crowd:
    """Clients who take members from a line and press until they are answered."""

    def __init__(self, url: str, refs: list[str], clients: int) -> None:
        self.url, self.answers = url, dict[str, str]()
        self.broken, self.slowest = 0, 0.0
        self._line: queue.SimpleQueue[str] = queue.SimpleQueue()
        for ref in refs:
            self._line.put(ref)
        self._threads = [threading.Thread(target=self._press, daemon=True) for _ in range(clients)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def is_at_work(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(120)
        check(not self.is_at_work, "somebody never got an answer")

    def _press(self) -> None:
        while True:
            try:
                ref = self._line.get_nowait()
            except queue.Empty:
                return
            self.answers[ref] = self._until_answered(ref)

    def _until_answered(self, ref: str) -> str:
        until = time.monotonic() + 90
        while time.monotonic() < until:
            began = time.monotonic()
            status, code = self._ask(ref)
            self.slowest = max(self.slowest, time.monotonic() - began)
            if status in (201, 409):
                return "claimed" if status == 201 else code
            self.broken += status == 0
            check(status in (0, 503), f"a member was answered {status} {code}")
            time.sleep(random.uniform(0.2, 1.0))
        return "never answered"

    def _ask(self, ref: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=30)
        try:
            connection.request("POST", PATH, "{}", member_headers(self.url, ref))
            answer = connection.getresponse()
            body = json.loads(answer.read() or b"{}")
            return answer.status, str(body.get("code", ""))
        except (OSError, http.client.HTTPException, ValueError):
            return 0, ""
        finally:
            connection.close()


def judge(trial: Trial, product: Product, crowd: Crowd, stock: int, hits: int) -> None:
    with product.sessions.reading() as session:
        claims = session.scalars(
            select(Member.ref).join(CouponClaim, CouponClaim.member_id == Member.id)
        ).all()  # fmt: skip
        issued = session.scalar(select(func.max(Coupon.issued)))
    told = {ref for ref, answer in crowd.answers.items() if answer == "claimed"}
    trial.note(
        claims=len(claims), oversold=max(0, len(claims) - stock), doubles=len(claims) - len(set(claims)),
        false_200=len(told - set(claims)), kills=hits, connections_broken=crowd.broken,
        answers=dict(Counter(crowd.answers.values())), slowest_answer=round(crowd.slowest, 2),
    )  # fmt: skip
    check(len(claims) == stock == issued, f"{len(claims)} claims, {issued} issued, {stock} in stock")
    check(told == set(claims), "who was told yes and who has one differ")


if __name__ == "__main__":
    program("F10", run, doc=__doc__ or "")
