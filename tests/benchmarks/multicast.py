"""B4: a multicast to 1,000,000 members, end to end, at a stub that takes 200 requests a second.

The real worker does it all: freezes the audience (arm, reasons, segments), looks at everyone a last time,
sends, and settles each person. Requests, doubles, missed and the worst sliding second are counted at the
stub. About two minutes for a million, of which filling the database is half.

    python -m tests.benchmarks.multicast [--members 1000000]
"""

import argparse
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import func, select, text

from domain.operations import drafting, segmenting
from models.campaign import Campaign, CampaignChunk, Recipient
from models.programme import the_brand
from models.session import Sessions, make_engine
from tests.benchmarks._bench import cpu_seconds, database, load_now, postgres, report
from tests.benchmarks._crowd import filled
from tests.benchmarks._line import Stub, line
from tests.benchmarks._personal import approve
from tests.benchmarks.personal import start_worker

ALLOWED = 200
CONTENT = {"text": "Spring tea is here.", "title": "Spring", "button_label": "See it", "button_url": "/book"}
SEGMENTS = {
    "Japanese": {"condition": "language_is", "languages": ["ja"]},
    "Tea": {"condition": "has_tag", "tag": "tag1"},
    "Tea, not coffee": {
        "all": [{"condition": "has_tag", "tag": "tag1"}, {"not": {"condition": "has_tag", "tag": "tag2"}}]
    },
}


@dataclass
class Sample:
    """What had been spent at a moment."""

    at: float
    worker: float
    postgresql: float
    threads: dict[int, float]  # of the worker


class Watcher(threading.Thread):
    """Looks at the processes four times a second, so that CPU can be told of the seconds of sending alone."""

    def __init__(self, worker: int, postgresql: int) -> None:
        super().__init__(daemon=True)
        self.worker, self.postgresql = worker, postgresql
        self.samples: list[Sample] = []
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.is_set():
            spent = cpu_seconds(self.worker), cpu_seconds(self.postgresql)
            threads = {each.id: each.user_time + each.system_time for each in psutil.Process(self.worker).threads()}
            self.samples.append(Sample(time.monotonic(), *spent, threads))
            self.is_over.wait(0.25)

    def between(self, begin: float, end: float) -> tuple[float, float, list[float]]:
        """Cores' worth of the worker and of PostgreSQL from one moment to another, and the worker's by thread."""
        first = min(self.samples, key=lambda each: abs(each.at - begin))
        last = min(self.samples, key=lambda each: abs(each.at - end))
        span = max(last.at - first.at, 0.001)
        threads = [(spent - first.threads.get(each, 0.0)) / span for each, spent in last.threads.items()]
        both = (last.worker - first.worker) / span, (last.postgresql - first.postgresql) / span
        return *both, sorted(threads, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    members = parser.parse_args().members
    with tempfile.TemporaryDirectory() as folder, postgres() as server, line(Path(folder), per_second=ALLOWED) as stub:
        url = database(server.url, "multicast")
        filled(url, people=members, shares=(0.3, 0.5))
        sessions = Sessions(make_engine(url))
        ref = draft(sessions)
        worker = start_worker(stub, url, Path(folder))
        watcher = Watcher(worker.pid, server.process.pid)
        watcher.start()
        try:
            found = measure(sessions, ref, stub, watcher, members)
        finally:
            watcher.is_over.set()
            watcher.join()
            worker.terminate()
            worker.wait(30)
            sessions.engine.dispose()
        tell(found)
        report("B4 multicast", {**found, "load": load_now()}, server=server)
        check(found)


def draft(sessions: Sessions) -> str:
    """A draft to everyone with a hold-out and three segments to compare; returns its ref."""
    now = datetime.now(UTC)
    with sessions.writing() as session:
        brand = the_brand(session)
        brand.quiet_from = brand.quiet_until = "03:00"  # whatever hour it runs at
        keys = [segmenting.save(session, name=name, rule=rule, now=now).key for name, rule in SEGMENTS.items()]
        campaign = drafting.create(session, name="Spring", now=now)
        changes = {
            "content": CONTENT, "audience_rule": {"all": []}, "holdout_percent": 10, "compare_segments": keys,
        }  # fmt: skip
        drafting.edit(session, ref=campaign.ref, edit_version=campaign.edit_version, changes=changes, now=now)
        assert campaign.how == "multicast"
        session.commit()
        return campaign.ref


def measure(sessions: Sessions, ref: str, stub: Stub, watcher: Watcher, members: int) -> dict[str, Any]:
    stub.reset()
    began = time.monotonic()
    approve(sessions, ref)
    approved = time.monotonic()
    patience = approved + 60 + members / 5000
    frozen = until(sessions, ref, {"sending", "sent"}, patience)
    settled = until(sessions, ref, {"sent"}, patience)
    counts = stub.counts()
    last = counts["last_at"]
    first = last - counts["seconds"]
    worker, postgresql, threads = watcher.between(first, last)
    memory = Path(f"/proc/{watcher.worker}/status").read_text()
    peak = int(memory.split("VmHWM:")[1].split()[0]) / 1024
    return {
        "members": members, "approving": approved - began, "freezing": frozen - approved, "sending": counts["seconds"],
        "requests": sum(counts["answers"].values()), "floor": sum(counts["answers"].values()) / ALLOWED,
        "settled_after_last": settled - last, "from_approval": last - approved, "worker_cores": worker,
        "postgresql_cores": postgresql, "peak_mb": peak, "people": counts["people"], "doubles": counts["doubles"],
        "worst_second": counts["worst_second"], "answers": counts["answers"],
        "busiest_threads": threads[:4], "worker_cpu": watcher.samples[-1].worker, **outcome(sessions, ref),
    }  # fmt: skip


def until(sessions: Sessions, ref: str, states: set[str], patience: float) -> float:
    """When the campaign was first seen in one of these states."""
    while time.monotonic() < patience:
        with sessions.reading() as session:
            if session.scalar(select(Campaign.state).where(Campaign.ref == ref)) in states:
                break
        time.sleep(0.1)
    return time.monotonic()


def outcome(sessions: Sessions, ref: str) -> dict[str, Any]:
    with sessions.reading() as session:
        campaign = session.scalars(select(Campaign).where(Campaign.ref == ref)).one()
        state = func.coalesce(Recipient.reason, Recipient.state)
        states = select(state, func.count()).where(Recipient.campaign_id == campaign.id).group_by(state)
        unsettled = select(func.count()).where(CampaignChunk.settled_at.is_(None))
        audience = session.scalar(text("SELECT count(*) FROM member WHERE erased_at IS NULL"))
        return {
            "state": campaign.state, "outcomes": {row[0]: row[1] for row in session.execute(states)},
            "unsettled": session.scalar(unsettled), "audience": audience,
        }  # fmt: skip


def tell(found: dict[str, Any]) -> None:
    times, after = found["sending"] / found["floor"], found["settled_after_last"]
    cores, of_postgresql = found["worker_cores"], found["postgresql_cores"]
    print(f"{found['members']:,} members, {found['requests']:,} multicasts to {found['people']:,} people")
    print(f"  approving {found['approving']:.1f} s, freezing {found['freezing']:.1f} s (aim: 8 at most)")
    print(f"  sending {found['sending']:.1f} s, {times:.2f} x the floor of {found['floor']:.1f} s (aim: 1.2 at most)")
    print(f"  from approval to the last accepted {found['from_approval']:.1f} s, settled {after:.1f} s later")
    print(f"  while sending: worker {cores:.0%} of a core (aim: 15%), PostgreSQL {of_postgresql:.0%}")
    print(f"  of it the busiest threads {', '.join(f'{each:.0%}' for each in found['busiest_threads'])}")
    print(f"  peak memory of the worker {found['peak_mb']:.0f} MB (aim: 300)")
    print(
        f"  worst sliding second {found['worst_second']} of {ALLOWED}, doubles {found['doubles']}, {found['outcomes']}"
    )


def check(found: dict[str, Any]) -> None:
    assert found["state"] == "sent", found
    assert found["unsettled"] == 0, found
    assert sum(found["outcomes"].values()) == found["audience"], found
    assert found["outcomes"]["sent"] == found["people"], found
    assert found["doubles"] == 0, found
    assert found["worst_second"] <= ALLOWED, found


if __name__ == "__main__":
    main()
