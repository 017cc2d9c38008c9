"""Kills the worker with SIGKILL again and again while it sends, and counts at the receiver who got what.

    python -m tests.torture.sending [--small] [--database sqlite|postgresql]

10,000 personal messages, then 20 multicasts that LINE takes two seconds to answer, ten kills each, on
both databases. Everyone eligible must have each exactly once, counted at the simulator; and in our own
rows audience = sent + withheld + failed + unsure.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from line.simulator.testing import Simulator
from models.campaign import Campaign, CampaignChunk, Recipient
from models.channel import the_channel
from models.member import Friend, Member
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.session import Sessions, make_engine
from tests.support import databases
from tests.support.postgres import PostgresServer

ROOT = Path(__file__).parent.parent.parent
OPEN_LETTERS = ("queued", "claimed")
OPEN_CHUNKS = ("ready", "claimed")


@dataclass(frozen=True)
class Size:
    """How much to send, and how often to kill."""

    letters: int
    multicasts: int
    people_each: int
    kills: int
    patience: float
    # A kill falls at a random moment within so many seconds of the worker's first sign of life.
    within: float


FULL = Size(letters=10_000, multicasts=20, people_each=500, kills=10, patience=900, within=0.8)
SMALL = Size(letters=700, multicasts=4, people_each=50, kills=1, patience=170, within=0.2)


class Worker:
    """The real `flask worker`, started anew after each kill."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "flask", "worker"], cwd=ROOT, env=self.environment,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


def environment_for(line: Simulator, url: str) -> dict[str, str]:
    channel = line.channel
    return {
        **os.environ,
        "DATABASE_URL": url,
        "SECRET_KEY": "a-secret-only-tests-know-0123456789",
        "PUBLIC_URL": channel.public_url,
        "LINE_CHANNEL_SECRET": channel.secret,
        "LINE_CHANNEL_ACCESS_TOKEN": channel.access_token,
        "LINE_LOGIN_CHANNEL_ID": channel.login_channel_id,
        "LIFF_ID": channel.liff_id,
        "LINE_API_BASE": line.base_url,
        "FLASK_APP": "app",
    }


def people(sessions: Sessions, line: Simulator, count: int) -> list[tuple[int, str]]:
    """Friends known to us and to LINE; every fiftieth refused marketing, every hundredth blocked us."""
    now = datetime.now(UTC)
    ids = range(1, count + 1)
    users = {n: f"U{n:032x}" for n in ids}
    with sessions.writing() as session:
        channel, brand = the_channel(session).id, the_brand(session)
        brand.quiet_from = brand.quiet_until = "03:00"  # whatever hour it runs at
        session.execute(
            insert(Member),
            [{"id": n, "ref": f"T{n}", "created_at": now, "marketing_consent": n % 50 != 1} for n in ids],
        )
        session.execute(
            insert(Friend),
            [
                {
                    "channel_id": channel,
                    "member_id": n,
                    "user_id": users[n],
                    "is_following": n % 100 != 2,
                    "state_at": now,
                }
                for n in ids
            ],
        )
        session.commit()
    line.add_users({"user_id": user, "following": True} for user in users.values())
    return list(users.items())


def write_letters(sessions: Sessions, everyone: list[tuple[int, str]]) -> None:
    now = datetime.now(UTC)
    with sessions.writing() as session:
        channel = the_channel(session).id
        rows = [
            {
                "channel_id": channel, "member_id": member, "to": user, "kind": "service", "name": "torture",
                "messages": [{"type": "text", "text": f"Number {member}"}], "once": f"torture:{member}",
                "created_at": now, "due_at": now, "retry_key": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{now}:{member}")),
            }
            for member, user in everyone
        ]  # fmt: skip
        session.execute(insert(OutgoingMessage), rows)
        session.commit()


def write_campaign(sessions: Sessions, everyone: list[tuple[int, str]], size: Size) -> None:
    now = datetime.now(UTC)
    with sessions.writing() as session:
        campaign = Campaign(
            ref=f"torture-{uuid.uuid4()}", name="Torture", state="sending", state_at=now, created_at=now,
            channel_id=the_channel(session).id, template=[{"type": "text", "text": "To all"}],
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        rows = [
            {"campaign_id": campaign.id, "member_id": member, "due_at": now, "chunk_no": n // size.people_each + 1}
            for n, (member, _) in enumerate(everyone)
        ]
        session.execute(insert(Recipient), rows)
        session.execute(
            insert(CampaignChunk),
            [{"campaign_id": campaign.id, "no": no + 1, "size": size.people_each} for no in range(size.multicasts)],
        )
        session.commit()


def tally(sessions: Sessions, column: Any) -> Counter[str]:
    with sessions.reading() as session:
        return Counter({str(state): n for state, n in session.execute(select(column, func.count()).group_by(column))})


def torment(worker: Worker, size: Size, progress: Callable[[], int], is_done: Callable[[], bool], span: float) -> int:
    """Kills the worker at random moments while it is at work, then lets it finish; returns how many kills hit."""
    until, hits = time.monotonic() + size.patience, 0
    worker.start()
    seen = progress()
    while hits < size.kills and not is_done() and time.monotonic() < until:
        if progress() == seen:
            time.sleep(0.02)
            continue
        time.sleep(random.uniform(0, span))
        worker.kill()
        hits += 1
        seen = progress()
        worker.start()
    while not is_done():
        if time.monotonic() > until:
            raise AssertionError("not everything was sent in time")
        time.sleep(0.2)
    worker.stop()
    return hits


def check(condition: bool, words: str) -> None:
    if not condition:
        raise AssertionError(words)


def run(kind: str, size: Size, folder: Path) -> str:
    """One database, both shapes of sending. Raises AssertionError with what went wrong."""
    url = databases.fresh(kind, f"torture{os.getpid()}", folder)
    sessions = Sessions(make_engine(url))
    try:
        with Simulator() as line:
            line.switch(keep_chats=False, openapi=False)
            worker = Worker(environment_for(line, url))
            try:
                words = [letters_once(sessions, line, worker, size), multicasts_once(sessions, line, worker, size)]
            finally:
                worker.stop()
            check(line.violations() == [], f"LINE's contract was broken: {line.violations()[:3]}")
        return f"{kind}: " + "; ".join(words)
    finally:
        sessions.engine.dispose()
        databases.drop(url)


def letters_once(sessions: Sessions, line: Simulator, worker: Worker, size: Size) -> str:
    everyone = people(sessions, line, max(size.letters, size.multicasts * size.people_each))[: size.letters]
    write_letters(sessions, everyone)

    def done() -> bool:
        found = tally(sessions, OutgoingMessage.state)
        return not any(found[state] for state in OPEN_LETTERS)

    hits = torment(worker, size, lambda: len(line.deliveries()), done, span=size.within)
    found = tally(sessions, OutgoingMessage.state)
    reached = line.deliveries()
    eligible = {user for member, user in everyone if member % 100 != 2}
    check(
        set(reached) == eligible,
        f"{len(eligible - set(reached))} missed, {len(set(reached) - eligible)} wrongly reached",
    )
    twice = [user for user, times in reached.items() if times > 1]
    check(not twice, f"{len(twice)} got it more than once")
    check(found["sent"] == len(eligible), f"our rows say {dict(found)}")
    check(sum(found.values()) == len(everyone), f"{dict(found)} is not everyone")
    again = sum(each["status"] == 409 for each in line.requests("push"))
    return f"{len(reached)} of {len(everyone)} letters once each, {hits} kills, {again} answered 409, {dict(found)}"


def multicasts_once(sessions: Sessions, line: Simulator, worker: Worker, size: Size) -> str:
    before = line.deliveries()
    count = size.multicasts * size.people_each
    everyone = [(n, f"U{n:032x}") for n in range(1, count + 1)]
    line.faults("delay", endpoint="multicast", seconds=2.0)
    write_campaign(sessions, everyone, size)

    def attempts() -> int:
        with sessions.reading() as session:
            return int(session.scalar(select(func.sum(CampaignChunk.attempts))) or 0)

    def done() -> bool:
        return tally(sessions, Campaign.state)["sent"] == 1

    hits = torment(worker, size, attempts, done, span=2.2)
    gained = {user: times - before.get(user, 0) for user, times in line.deliveries().items()}
    eligible = {user for member, user in everyone if member % 100 != 2 and member % 50 != 1}
    reached = {user for user, times in gained.items() if times}
    check(reached == eligible, f"{len(eligible - reached)} missed, {len(reached - eligible)} wrongly reached")
    twice = [user for user, times in gained.items() if times > 1]
    check(not twice, f"{len(twice)} got the multicast more than once")
    found = tally(sessions, Recipient.state)
    check(sum(found.values()) == count, f"{dict(found)} is not everyone")
    check(found["sent"] == len(eligible), f"our rows say {dict(found)}")
    again = sum(each["status"] == 409 for each in line.requests("multicast"))
    return f"{size.multicasts} multicasts to {count} once each, {hits} kills, {again} answered 409, {dict(found)}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--small", action="store_true", help="a small version, in about a minute")
    options.add_argument("--database", choices=databases.KINDS, help="only this one (default: both)")
    chosen = options.parse_args()
    server = None
    if "TEST_POSTGRES_URL" not in os.environ and chosen.database != "sqlite":
        server = PostgresServer()
        os.environ["TEST_POSTGRES_URL"] = server.url
    try:
        for kind in [chosen.database] if chosen.database else databases.KINDS:
            began = time.monotonic()
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "own").mkdir()
                words = run(kind, SMALL if chosen.small else FULL, Path(folder) / "own")
            print(f"{words} ({time.monotonic() - began:.0f} s)", flush=True)
    except AssertionError as error:
        sys.exit(f"FAILED: {error}")
    finally:
        if server is not None:
            server.remove()


if __name__ == "__main__":
    main()
