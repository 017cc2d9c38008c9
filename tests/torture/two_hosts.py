"""Two hosts and one PostgreSQL send a personal campaign, and one host dies in the middle (acceptance 3).

    python -m tests.torture.two_hosts [--members N | --small]

Each host is a copy of the checkout in a folder of its own, with `web` and `worker` of the Procfile in one
process group, on its own port. 100,000 people get a personal push each from a LINE that refuses more than
2,000 a second. 15 seconds after the first push one host is killed (SIGKILL to its group). Everyone must have
the message exactly once and no sliding second may hold more than 2,000 calls, all counted at the simulator;
in full the worst second must come near that, or it would prove nothing.
About two minutes in full, most of it making people.
"""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

from tests.support.world import free_port
from tests.torture._audience import (
    OVER,
    add_people,
    approve,
    doubles_and_missed,
    has_refused,
    is_blocked,
    outcomes,
    state_of,
)
from tests.torture._product import ROOT, Product, wait_until
from tests.torture._result import Trial, check, no_orphans, own_folder, own_server, tried

MEMBERS, SMALL = 100_000, 4_000
KILL_AFTER = 15.0
LIMIT = 2_000  # pushes LINE takes in any second
NOT_COPIED = (".git", ".venv", "var", "tests", "__pycache__", ".*_cache", ".hypothesis", "docs")


class Host:
    """A machine of its own, as far as one machine can play it: folder, port, process group."""

    def __init__(self, product: Product, name: str, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.folder = product.folder / name
        shutil.copytree(ROOT, self.folder / "checkout", ignore=shutil.ignore_patterns(*NOT_COPIED))
        lines = dict(each.split(": ", 1) for each in (ROOT / "Procfile").read_text().splitlines() if each)
        web = lines["web"].replace("$PORT", str(port)).replace("0.0.0.0", "127.0.0.1")
        python = shlex.quote(sys.executable)
        environment = product.environment() | {"PYTHONPATH": str(self.folder / "checkout"), "PORT": str(port)}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ["sh", "-c", f"{python} -m {web} & {python} -m {lines['worker']} & wait"],
                cwd=self.folder / "checkout", env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def answers(self) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def signal(self, how: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)

    def end(self) -> None:
        self.signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.signal(signal.SIGKILL)


def run(trial: Trial, members: int) -> None:
    with trial.database() as url, Product(url, trial.folder) as product:
        ids = add_people(product, members)
        hosts = [Host(product, "host-a", product.port), Host(product, "host-b", free_port())]
        try:
            for host in hosts:
                wait_until(host.answers, f"{host.url} to answer", watch=product)
            send(trial, product, hosts, ids)
        finally:
            for host in hosts:
                host.end()


def send(trial: Trial, product: Product, hosts: list[Host], ids: list[int]) -> None:
    eligible = [n for n in ids if not is_blocked(n) and not has_refused(n)]
    approved = time.monotonic()
    ref = approve(product.sessions, words="Hello {name}")
    wait_until(lambda: product.line.pace("push")["calls"], "the first push", pause=0.05, watch=product)
    frozen = time.monotonic() - approved
    time.sleep(min(KILL_AFTER, 0.3 * len(eligible) / LIMIT))
    before = product.line.pace("push")["calls"]
    hosts[0].signal(signal.SIGKILL)
    check(0 < before < len(eligible), f"the kill came too late or too early: {before} calls before it")
    patience = 90 + len(ids) / 400
    wait_until(lambda: state_of(product.sessions, ref) in OVER, "the end", patience=patience, pause=0.5, watch=product)
    pace = product.line.pace("push")
    mine = outcomes(product.sessions, ref)
    trial.note(
        members=len(ids), eligible=len(eligible), **doubles_and_missed({}, product.line.deliveries(), eligible),
        calls=pace["calls"], calls_before_the_kill=before, worst_second=pace["worst_second"],
        over_the_limit=max(0, pace["worst_second"] - LIMIT), seconds_to_first_push=round(frozen, 1),
        seconds_of_pushing=round(pace["last_at"] - pace["first_at"], 1), our_rows=dict(mine),
    )  # fmt: skip
    trial.came_near({"push": (pace["worst_second"], LIMIT)})
    check(hosts[1].answers(), "the surviving host does not answer")
    check(mine["sent"] == len(eligible), f"our rows say {dict(mine)}")
    check(sum(mine.values()) == len(ids), "someone was dropped in silence")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--members", type=int, default=MEMBERS)
    options.add_argument("--small", action="store_true", help=f"{SMALL:,} people, under half a minute")
    chosen = options.parse_args()
    members = SMALL if chosen.small else chosen.members
    with no_orphans(), own_server("postgresql") as server, own_folder("two-hosts") as folder:
        trial = Trial("postgresql", members < MEMBERS, folder, server)
        try:
            tried("two hosts", lambda each: run(each, members), trial)
        except AssertionError as error:
            sys.exit(f"FAILED: {error}")


if __name__ == "__main__":
    main()
