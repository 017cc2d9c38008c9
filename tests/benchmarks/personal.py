"""B5: 100,000 personal pushes, from approval to the last one accepted, at a stub that takes 2,000 a second.

The real worker does it all: freezes the audience, makes each person's message, sends, writes down. Doubles,
missed and the worst sliding second are counted at the stub. About two minutes for 100,000.

    python -m tests.benchmarks.personal [--members 100000]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from models.session import Sessions, make_engine
from tests.benchmarks._bench import LINE, ROOT, cpu_seconds, database, load_now, postgres, report
from tests.benchmarks._line import Stub, line
from tests.benchmarks._personal import CARD, approve, draft, outcome

ALLOWED = 2000
READY_WITHIN = 60.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=100_000)
    members = parser.parse_args().members
    with tempfile.TemporaryDirectory() as folder, postgres() as server, line(Path(folder), per_second=ALLOWED) as stub:
        url = database(server.url, "personal")
        sessions = Sessions(make_engine(url))
        ref = draft(sessions, url, members, CARD)
        worker = start_worker(stub, url, Path(folder))
        try:
            found = measure(sessions, ref, stub, worker, server.process.pid, members)
        finally:
            worker.terminate()
            worker.wait(30)
            sessions.engine.dispose()
        tell(found, members)
        report("B5 personal", {**found, "load": load_now()}, server=server)
        assert found["doubles"] == found["missed"] == 0, found
        assert found["worst_second"] <= ALLOWED, found


def start_worker(stub: Stub, url: str, folder: Path) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ, **LINE, "DATABASE_URL": url, "LINE_API_BASE": stub.url, "FLASK_APP": "app",
        "SSL_CERT_FILE": str(stub.certificate),
    }  # fmt: skip
    log = (folder / "worker.log").open("wb")
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "worker"], cwd=ROOT, env=environment, stdout=log, stderr=log
    )
    time.sleep(8)  # it has started and found nothing to do
    assert worker.poll() is None, (folder / "worker.log").read_text()
    return worker


def measure(
    sessions: Sessions, ref: str, stub: Stub, worker: "subprocess.Popen[bytes]", postgresql: int, members: int
) -> dict[str, Any]:
    stub.reset()
    process, peak = psutil.Process(worker.pid), 0
    began, cpu, cpu_pg = time.monotonic(), cpu_seconds(worker.pid), cpu_seconds(postgresql)
    approve(sessions, ref)
    approved = time.monotonic() - began
    patience = began + 120 + members / 500
    while outcome(sessions, ref)[0] != "sent" and time.monotonic() < patience:
        peak = max(peak, process.memory_info().rss)
        time.sleep(1)
    counts = stub.counts()
    state, recipients = outcome(sessions, ref)
    return {
        "members": members, "seconds": counts["last_at"] - began, "approving": approved,
        "first_push_after": counts["last_at"] - counts["seconds"] - began, "sending": counts["seconds"],
        "floor": members / ALLOWED, "missed": members - counts["people"], "doubles": counts["doubles"],
        "worst_second": counts["worst_second"], "answers": counts["answers"], "state": state, "recipients": recipients,
        "worker_cpu_ms": 1000 * (cpu_seconds(worker.pid) - cpu) / members, "peak_mb": peak / 2**20,
        "postgresql_cpu_ms": 1000 * (cpu_seconds(postgresql) - cpu_pg) / members,
    }  # fmt: skip


def tell(found: dict[str, Any], members: int) -> None:
    times = found["seconds"] / found["floor"]
    print(f"{members:,} personal pushes: {found['seconds']:.1f} s from approval to the last accepted")
    print(f"  approving {found['approving']:.1f} s, first push after {found['first_push_after']:.1f} s")
    print(f"  {times:.2f} x the floor of {found['floor']:.0f} s (aim: 1.1 at most)")
    print(f"  doubles {found['doubles']}, missed {found['missed']}, worst sliding second {found['worst_second']}")
    print(f"  CPU ms a push: worker {found['worker_cpu_ms']:.3f}, PostgreSQL {found['postgresql_cpu_ms']:.3f}")


if __name__ == "__main__":
    main()
