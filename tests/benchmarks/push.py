"""B3: personal pushes through the real sender with its database writes, against the SDK's MessagingApi.

One sender process pinned to one core; PostgreSQL and a TLS stub that answers after 50 ms share the other. The
bucket is opened beyond LINE's 2,000 a second, so that the sender is the limit. Then the SDK on the same core and
stub: with threads and one connection pool, which is the best it does and what we are judged against; and as its
README shows it, with an ApiClient for each call. About two minutes.

    python -m tests.benchmarks.push [--pushes 30000]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import psutil

from models.session import Sessions, make_engine
from tests.benchmarks._bench import ROOT, cpu_seconds, database, load_now, postgres, report
from tests.benchmarks._line import Stub, line
from tests.benchmarks._personal import WORDS, approve, draft, freeze, outcome, set_rate
from tests.support.postgres import PostgresServer

CORE, OTHER_CORE = 0, 1
SDK_PUSHES = 5_000
README_PUSHES = 400
SDK_THREADS = 128  # what 2,000 a second with answers after 50 ms asks for, and some
PATIENCE = 180.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pushes", type=int, default=30_000)
    parser.add_argument("--sdk", type=int, default=0, help="(used by itself) push so many with the SDK")
    parser.add_argument("--anew", action="store_true", help="(used by itself) with a client for each")
    options = parser.parse_args()
    if options.sdk:
        push_with_sdk(options.sdk, anew=options.anew)
        return
    with tempfile.TemporaryDirectory() as folder, postgres() as server, line(Path(folder), per_second=10**9) as stub:
        for pid in (server.process.pid, stub.process.pid):
            psutil.Process(pid).cpu_affinity([OTHER_CORE])
        ours = with_the_sender(server, stub, options.pushes)
        theirs = with_the_sdk(stub, SDK_PUSHES)
        tell(server, ours, theirs, with_the_sdk(stub, README_PUSHES, "--anew"))


def with_the_sender(server: PostgresServer, stub: Stub, pushes: int) -> dict[str, Any]:
    url = database(server.url, "push")
    sessions = Sessions(make_engine(url))
    ref = draft(sessions, url, pushes, WORDS)
    approve(sessions, ref)
    freeze(sessions, ref)
    set_rate(sessions, 3_000)
    stub.reset()
    process = pinned(stub, [sys.executable, "-m", "tests.support.a_sender"], DATABASE_URL=url)
    assert process.stdout is not None
    process.stdout.readline()
    before, before_pg, began = cpu_seconds(process.pid), cpu_seconds(server.process.pid), time.monotonic()
    while outcome(sessions, ref)[0] != "sent" and time.monotonic() - began < PATIENCE:
        time.sleep(0.5)
    spent, spent_pg = cpu_seconds(process.pid) - before, cpu_seconds(server.process.pid) - before_pg
    peak = psutil.Process(process.pid).memory_info().rss / 2**20
    process.kill()
    process.wait(10)
    counts = stub.counts()
    state, recipients = outcome(sessions, ref)
    sessions.engine.dispose()
    assert state == "sent", (state, recipients)
    assert recipients == {"sent": pushes}, recipients
    assert (counts["people"], counts["doubles"]) == (pushes, 0), counts
    return {
        "pushes": pushes, "per_second": pushes / counts["seconds"], "cpu_ms": 1000 * spent / pushes,
        "postgresql_cpu_ms": 1000 * spent_pg / pushes, "rss_mb": peak,
    }  # fmt: skip


def with_the_sdk(stub: Stub, pushes: int, *more: str) -> dict[str, Any]:
    stub.reset()
    process = pinned(stub, [sys.executable, "-m", "tests.benchmarks.push", "--sdk", str(pushes), *more])
    assert process.stdout is not None
    spent = float(process.stdout.readline())
    process.wait(10)
    counts = stub.counts()
    assert counts["people"] == pushes, counts
    return {"pushes": pushes, "per_second": pushes / counts["seconds"], "cpu_ms": 1000 * spent / pushes}


def pinned(stub: Stub, command: list[str], **more: str) -> "subprocess.Popen[str]":
    """A process on the core that is measured, which trusts the stub."""
    environment = {
        **os.environ, **more, "LINE_API_BASE": stub.url, "LINE_CHANNEL_ACCESS_TOKEN": "bench-token",
        "SSL_CERT_FILE": str(stub.certificate),
    }  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    psutil.Process(process.pid).cpu_affinity([CORE])
    return process


def push_with_sdk(count: int, *, anew: bool) -> None:
    """The same message by the SDK: threads over one pool, or a client for each. Prints the CPU seconds it took."""
    from concurrent.futures import ThreadPoolExecutor

    from linebot.v3.messaging import ApiClient, Configuration, MessagingApi, PushMessageRequest, TextMessage

    configuration = Configuration(access_token="bench-token", host=os.environ["LINE_API_BASE"])
    configuration.connection_pool_maxsize = SDK_THREADS
    configuration.ssl_ca_cert = os.environ["SSL_CERT_FILE"]
    shared = MessagingApi(ApiClient(configuration))

    def call(asked: PushMessageRequest, key: str) -> None:
        if anew:
            with ApiClient(configuration) as client:
                MessagingApi(client).push_message(asked, x_line_retry_key=key)
        else:
            shared.push_message(asked, x_line_retry_key=key)

    def push(n: int) -> None:
        words = TextMessage(text=f"Hi Member {n}, spring tea is here.")
        asked = PushMessageRequest(to=f"U{n:032x}", messages=[words])
        call(asked, str(uuid.uuid5(uuid.NAMESPACE_URL, str(n))))

    with ThreadPoolExecutor(SDK_THREADS) as threads:
        list(threads.map(push, range(SDK_THREADS)))  # connections and imports are not counted
        before = time.process_time()
        list(threads.map(push, range(SDK_THREADS, count)))
    print((time.process_time() - before) * count / (count - SDK_THREADS), flush=True)


def tell(server: PostgresServer, ours: dict[str, Any], theirs: dict[str, Any], anew: dict[str, Any]) -> None:
    ratio = ours["cpu_ms"] / theirs["cpu_ms"]
    print(f"{'':24}{'pushes/s':>10}{'CPU ms/push':>13}{'PostgreSQL':>12}")
    print(
        f"{'our sender, 1 core':24}{ours['per_second']:>10.0f}{ours['cpu_ms']:>13.3f}{ours['postgresql_cpu_ms']:>12.3f}"
    )
    print(f"{'SDK, one shared client':24}{theirs['per_second']:>10.0f}{theirs['cpu_ms']:>13.3f}")
    print(f"{'SDK as in its README':24}{anew['per_second']:>10.0f}{anew['cpu_ms']:>13.3f}")
    print(f"CPU ratio to the shared client {ratio:.2f} (aim: 0.35 at most; 2,000 a second at least)")
    figures = {"ours": ours, "sdk": theirs, "sdk_readme": anew, "cpu_ratio": ratio, "load": load_now()}
    report("B3 push", figures, server=server)


if __name__ == "__main__":
    main()
