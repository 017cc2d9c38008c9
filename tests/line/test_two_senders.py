"""Two senders, each a process of its own: one rate for both, and a word said on the console reaches both."""

import signal
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, insert, select

from line.rate import bucket_of
from line.simulator.testing import Simulator
from models.campaign import Campaign
from models.channel import the_channel
from models.member import Friend, Member
from models.outbox import OutgoingMessage
from models.session import Sessions
from tests.support import a_sender

ALLOWED = 200  # a second; our own bucket aims at 95 % of it
# A machine with more to do than it can may take a tenth of a second from sending to arriving, of one sender only:
# what bunches up so is no fault of the bucket. Two buckets, or one that forgets while it sleeps, would be far beyond.
WITH_LATENESS = ALLOWED * 1.15
PATIENCE = 240.0
LETTERS = 2400  # twelve seconds' worth: a pause finds most of them waiting, however late it is


@pytest.fixture
def line() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


def write_letters(sessions: Sessions, line: Simulator, count: int) -> int:
    """`count` messages to as many people, of one campaign's automation, at 200 a second; returns the campaign."""
    now = datetime.now(UTC)
    users = {n: f"U{n:032x}" for n in range(1, count + 1)}
    line.add_users({"user_id": user, "following": True} for user in users.values())
    with sessions.writing() as session:
        channel = the_channel(session).id
        bucket_of(session, channel, "push").per_second = 0.95 * ALLOWED
        campaign = Campaign(ref="both", name="Both", state="standing", state_at=now, created_at=now, channel_id=channel)
        session.add(campaign)
        session.flush()
        people = [{"id": n, "ref": f"T{n}", "created_at": now, "marketing_consent": True} for n in users]
        session.execute(insert(Member), people)
        friends = [
            {"channel_id": channel, "member_id": n, "user_id": user, "is_following": True, "state_at": now}
            for n, user in users.items()
        ]
        session.execute(insert(Friend), friends)
        letters = [
            {
                "channel_id": channel, "member_id": n, "to": user, "kind": "service", "name": "test", "once": f"{n}",
                "messages": [{"type": "text", "text": f"Number {n}"}], "created_at": now, "due_at": now,
                "retry_key": str(uuid.uuid5(uuid.NAMESPACE_URL, user)), "campaign_id": campaign.id,
            }
            for n, user in users.items()
        ]  # fmt: skip
        session.execute(insert(OutgoingMessage), letters)
        session.commit()
        return campaign.id


def waiting(sessions: Sessions) -> int:
    open_ones = select(func.count()).where(OutgoingMessage.state.in_(("queued", "claimed")))
    with sessions.reading() as session:
        return session.scalar(open_ones) or 0


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def test_a_sender_that_is_stopped_and_woken_never_makes_a_second_too_full(
    sessions: Sessions, database_url: str, line: Simulator
) -> None:
    write_letters(sessions, line, 600)
    with a_sender.running(database_url, line) as one, a_sender.running(database_url, line):
        until(lambda: line.pace("push")["calls"] > 150)
        one.send_signal(signal.SIGSTOP)
        time.sleep(1.7)
        one.send_signal(signal.SIGCONT)
        until(lambda: waiting(sessions) == 0)
    assert set(line.deliveries().values()) == {1}
    assert len(line.deliveries()) == 600
    assert line.pace("push")["worst_second"] <= WITH_LATENESS


def test_a_pause_reaches_both_within_two_seconds_and_a_resume_lets_both_go_on(
    sessions: Sessions, database_url: str, line: Simulator
) -> None:
    campaign = write_letters(sessions, line, LETTERS)

    def become(state: str) -> None:
        with sessions.writing() as session:
            session.get_one(Campaign, campaign).state = state
            session.commit()

    def tried_and_open() -> int:
        tried = OutgoingMessage.first_attempt_at.is_not(None), OutgoingMessage.state.in_(("queued", "claimed"))
        with sessions.reading() as session:
            return session.scalar(select(func.count()).where(*tried)) or 0

    def seconds_to_pause() -> float:
        sent = line.pace("push")["calls"]
        until(lambda: line.pace("push")["calls"] > sent + 150)
        become("paused")
        paused_at = time.monotonic()
        until(lambda: tried_and_open() == 0)  # what was in hand has been given back as never tried
        time.sleep(3)
        calls = line.pace("push")
        assert calls["calls"] < LETTERS
        assert tried_and_open() == 0
        become("standing")
        return float(calls["last_at"] - paused_at)

    with a_sender.running(database_url, line), a_sender.running(database_url, line):
        # A machine that has ten other things to do may be late once; a sender that does not listen is late each time.
        assert any(seconds_to_pause() < 2 for _ in range(3))
        until(lambda: waiting(sessions) == 0)
    assert set(line.deliveries().values()) == {1}
    assert len(line.deliveries()) == LETTERS
