"""A campaign reaches everyone eligible once, and audience = sent + withheld + failed + unsure + held out, always."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DataError

from domain.operations import leaving
from domain.reports import campaign_result
from line import chunks, closing, troubles
from line.client import LineAccess
from line.closing import finish_campaigns
from line.sender import Sender
from line.settling import settle
from line.simulator.testing import Simulator
from models.campaign import Campaign, CampaignChunk, Recipient
from models.channel import RateBucket, the_channel
from models.clock import Clock
from models.member import Friend, Member
from models.programme import Brand
from models.session import Sessions
from tests.support.factories import make_member
from tests.support.moments import FixedClock

TEMPLATE = [{"type": "text", "text": "Hello {name}"}]
PLAIN = [{"type": "text", "text": "Hi"}]


@pytest.fixture(scope="module")
def shared_line() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def line(shared_line: Simulator) -> Simulator:
    shared_line.reset()
    shared_line.no_faults()
    shared_line.set_quota(None)
    return shared_line


@pytest.fixture
def sender(sessions: Sessions, line: Simulator) -> Sender:
    return Sender(sessions, Clock(), LineAccess(token=line.channel.access_token, base=line.base_url))


def launch(
    sessions: Sessions,
    line: Simulator,
    *,
    people: int = 7,
    size: int = 3,
    how: str = "multicast",
    with_ranges: bool = True,
) -> int:
    """A frozen campaign to `people` friends in chunks of `size`, one more held out."""
    now = datetime.now(UTC)
    with sessions.writing() as session:
        campaign = Campaign(
            ref=f"spring-{now.timestamp()}", name="Spring", state="sending", state_at=now, created_at=now, how=how,
            channel_id=the_channel(session).id, template=TEMPLATE if how == "push" else PLAIN,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        for n in range(people + 1):
            member = make_member(session, name=f"N{n}")
            held = n == people
            session.add(
                Recipient(
                    campaign_id=campaign.id, member_id=member.id, due_at=now, merge={"name": f"N{n}"},
                    chunk_no=None if held else n // size + 1, state="held_out" if held else "ready",
                    arm="held_out" if held else "sent",
                )
            )  # fmt: skip
        session.flush()
        numbers = range(1, (people - 1) // size + 2)
        for no in numbers:
            mine = (Recipient.campaign_id == campaign.id, Recipient.chunk_no == no)
            ids = session.scalars(select(Recipient.member_id).where(*mine)).all() if with_ranges else []
            first, last = min(ids, default=None), max(ids, default=None)
            chunk = CampaignChunk(campaign_id=campaign.id, no=no, size=min(size, people - size * (no - 1)))
            chunk.first_member_id, chunk.last_member_id = first, last
            session.add(chunk)
        session.flush()
        users = session.scalars(select(Friend.user_id)).all()
        line.add_users([{"user_id": user, "following": True} for user in users])
        session.commit()
        return campaign.id


def tally(sessions: Sessions, campaign_id: int) -> Counter[str]:
    with sessions.reading() as session:
        rows = session.scalars(select(Recipient).where(Recipient.campaign_id == campaign_id)).all()
        return Counter(f"{row.state} {row.reason}" if row.reason else row.state for row in rows)


def state_of(sessions: Sessions, campaign_id: int) -> str:
    with sessions.reading() as session:
        return session.get_one(Campaign, campaign_id).state


def change(sessions: Sessions, row: Any, key: Any, **values: Any) -> None:
    with sessions.writing() as session:
        found = session.get_one(row, key)
        for name, value in values.items():
            setattr(found, name, value)
        session.commit()


def awake(sessions: Sessions) -> None:
    with sessions.writing() as session:
        for chunk in session.scalars(select(CampaignChunk)):
            chunk.lease_until = None
        session.commit()


def drained(sender: Sender) -> None:
    """Until nothing is left to do now, however many turns that takes."""
    for _ in range(6):
        sender.drain()


@pytest.mark.parametrize(("how", "requests"), [("multicast", 3), ("push", 7)])
def test_everyone_gets_it_once(sessions: Sessions, line: Simulator, sender: Sender, how: str, requests: int) -> None:
    campaign = launch(sessions, line, how=how)
    sender.drain()
    assert tally(sessions, campaign) == {"sent": 7, "held_out": 1}
    assert state_of(sessions, campaign) == "sent"
    assert set(line.deliveries().values()) == {1}
    assert len(line.requests(how)) == requests
    assert line.violations() == []


def test_a_personal_campaign_says_each_name(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    launch(sessions, line, how="push", people=2)
    sender.drain()
    said = {line.received(user)[0]["text"] for user in line.deliveries()}
    assert said == {"Hello N0", "Hello N1"}


@pytest.mark.parametrize("how", ["multicast", "push"])
def test_the_last_look_counts_everyone_it_keeps_back(
    sessions: Sessions, line: Simulator, sender: Sender, how: str
) -> None:
    campaign = launch(sessions, line, how=how)
    with sessions.writing() as session:
        people = session.scalars(select(Member).order_by(Member.id)).all()
        people[0].marketing_consent = False
        people[1].erased_at = datetime.now(UTC)
        friends = session.scalars(select(Friend).order_by(Friend.id)).all()
        friends[2].is_following = False
        friends[3].user_id = "not-a-line-id"
        session.commit()
    sender.drain()
    assert tally(sessions, campaign) == {
        "sent": 3, "held_out": 1, "withheld opted_out": 1, "withheld erased": 1, "withheld blocked": 1,
        "withheld no_line_id": 1,
    }  # fmt: skip
    assert len(line.deliveries()) == 3


@pytest.mark.parametrize("how", ["multicast", "push"])
@pytest.mark.parametrize("fault", ["error_after", "reset_after", "html", "rate_limited"])
def test_what_was_unclear_is_repeated_with_the_same_key_and_body(
    sessions: Sessions, line: Simulator, sender: Sender, how: str, fault: str
) -> None:
    campaign = launch(sessions, line, how=how)
    line.faults(fault, endpoint=how, times=2)
    for _ in range(4):
        sender.drain()
        awake(sessions)
        with sessions.writing() as session:  # the second we were told to wait is over
            for bucket in session.scalars(select(RateBucket)):
                bucket.next_at_us = 0
            session.commit()
    assert tally(sessions, campaign) == {"sent": 7, "held_out": 1}
    assert set(line.deliveries().values()) == {1}
    assert line.violations() == []


@pytest.fixture
def strangers(sessions: Sessions, line: Simulator) -> Iterator[Callable[..., None]]:
    """Makes these of the people, by their place, unknown to LINE, which then refuses a multicast with them."""
    line.switch(unknown_in_multicast="refuse")

    def change(*places: int) -> None:
        with sessions.writing() as session:
            friends = session.scalars(select(Friend).order_by(Friend.id)).all()
            for place in places:
                friends[place].user_id = f"Uf{place:031x}"
            session.commit()

    yield change
    line.switch(unknown_in_multicast="skip")


def test_one_whom_line_refuses_fails_alone(
    sessions: Sessions, line: Simulator, sender: Sender, strangers: Callable[..., None]
) -> None:
    campaign = launch(sessions, line, people=40, size=20)
    strangers(3, 11)
    drained(sender)
    assert tally(sessions, campaign) == {"sent": 38, "held_out": 1, "failed line_400": 2}
    assert state_of(sessions, campaign) == "sent"
    assert set(line.deliveries().values()) == {1}
    assert len({each["retry_key"] for each in line.requests("multicast")}) == len(line.requests("multicast"))
    with sessions.reading() as session:
        words = session.scalars(select(CampaignChunk.error).where(CampaignChunk.state == "failed")).all()
    assert len(words) == 2
    assert all(said and said.startswith("400 ") for said in words)


def test_what_line_says_of_the_message_fails_the_chunk_at_once(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    campaign = launch(sessions, line, people=6, size=3)
    with sessions.writing() as session:
        session.get_one(Campaign, campaign).template = [{"type": "text", "text": ""}]
        session.commit()
    drained(sender)
    assert tally(sessions, campaign) == {"held_out": 1, "failed line_400": 6}
    assert len(line.requests("multicast")) == 2


def test_when_everything_tried_is_refused_no_more_is_tried(
    sessions: Sessions, line: Simulator, sender: Sender, strangers: Callable[..., None]
) -> None:
    campaign = launch(sessions, line, people=100, size=100)
    strangers(*range(100))
    drained(sender)
    assert tally(sessions, campaign) == {"held_out": 1, "failed line_400": 100}
    assert len(line.requests("multicast")) < 20


def test_after_an_unclear_attempt_nothing_is_split(
    sessions: Sessions, line: Simulator, sender: Sender, strangers: Callable[..., None]
) -> None:
    campaign = launch(sessions, line, people=3)
    line.faults("error_before", endpoint="multicast", times=1)
    strangers(0)
    sender.drain()
    awake(sessions)
    drained(sender)
    assert tally(sessions, campaign) == {"held_out": 1, "failed line_400": 3}
    assert len({each["retry_key"] for each in line.requests("multicast")}) == 1


def test_the_people_of_a_chunk_may_follow_later_and_are_counted_meanwhile(
    sessions: Sessions, line: Simulator, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = launch(sessions, line)
    monkeypatch.setattr(chunks, "SETTLED_AT_A_TIME", 0)
    sender.drain()
    assert tally(sessions, campaign) == {"ready": 7, "held_out": 1}
    with sessions.writing() as session:  # who blocks us now followed when it was accepted
        now = datetime.now(UTC)
        left, came_back = session.scalars(select(Friend).order_by(Friend.id)).all()[:2]
        left.is_following, left.state_at = False, now + timedelta(minutes=1)
        came_back.first_followed_at = came_back.state_at = now + timedelta(minutes=1)
        session.commit()
    with sessions.reading() as session:
        row = session.get_one(Campaign, campaign)
        assert campaign_result.result(session, row, now=now).outcomes == {"sent": 7, "held_out": 1}
        assert len(session.scalars(campaign_result.people_query(session, row, "sent", now=now)).all()) == 7
        assert campaign_result.progress(session, row) == (7, 7)
    for _ in range(4):
        with sessions.writing() as session:
            settle(session, now, limit=1)
            finish_campaigns(session, now)
            session.commit()
    assert tally(sessions, campaign) == {"sent": 7, "held_out": 1}
    assert state_of(sessions, campaign) == "sent"
    with sessions.reading() as session:
        rows = session.scalars(select(Recipient).where(Recipient.state == "sent").order_by(Recipient.id)).all()
        assert [row.was_reachable for row in rows] == [True, False, True, True, True, True, True]
        assert all(row.sent_at for row in rows)
        kept = session.scalars(select(CampaignChunk)).all()
        assert all(chunk.request_id and chunk.settled_at for chunk in kept)


def test_a_chunk_frozen_before_ranges_were_known_is_found_by_its_number(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    campaign = launch(sessions, line, with_ranges=False)
    drained(sender)
    assert tally(sessions, campaign) == {"sent": 7, "held_out": 1}


def test_paused_nothing_leaves_and_resumed_it_goes_on(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    campaign = launch(sessions, line)
    change(sessions, Campaign, campaign, state="paused")
    assert sender.drain() == 0
    change(sessions, Campaign, campaign, state="sending")
    sender.drain()
    assert tally(sessions, campaign) == {"sent": 7, "held_out": 1}


def test_stopped_midway_everyone_is_accounted_for(
    sessions: Sessions, line: Simulator, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is tried again before it is stopped, however slow the machine; which chunk meets which fault is all one.
    monkeypatch.setattr("line.sender._pause", lambda answer, attempts: 300.0)
    campaign = launch(sessions, line, people=9)
    line.faults("error_after", endpoint="multicast", times=1)
    line.faults("rate_limited", endpoint="multicast", times=1)
    sender.drain()
    change(sessions, Campaign, campaign, state="stopped")
    sender.drain()
    assert tally(sessions, campaign) == {"sent": 3, "held_out": 1, "unsure stopped": 3, "withheld stopped": 3}


def test_an_unclear_chunk_older_than_lines_memory_is_unsure(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    campaign = launch(sessions, line, people=3)
    (claimed,) = chunks.claim(sessions, Clock(), limit=5)
    long_ago = datetime.now(UTC) - timedelta(hours=24)
    change(sessions, CampaignChunk, (campaign, claimed.no), first_attempt_at=long_ago, lease_until=None)
    sender.drain()
    assert tally(sessions, campaign) == {"held_out": 1, "unsure too_old": 3}
    assert line.requests("multicast") == []


def test_without_quota_a_campaign_waits_and_then_goes(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    campaign = launch(sessions, line)
    line.set_quota(3)
    sender.drain()
    assert tally(sessions, campaign)["ready"] == 4
    line.set_quota(100, used=3)
    awake(sessions)
    sender.drain()
    assert tally(sessions, campaign)["ready"] == 4  # it waits for a person
    change(sessions, Campaign, campaign, state="sending")
    sender.drain()
    assert tally(sessions, campaign) == {"sent": 7, "held_out": 1}


def test_who_refuses_while_nothing_could_leave_is_not_written_to(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    campaign = launch(sessions, line)
    line.set_quota(0)
    sender.drain()
    with sessions.writing() as session:
        first, second = session.scalars(select(Friend).order_by(Friend.id)).all()[:2]
        first.member.marketing_consent, second.is_following = False, False
        refused = {first.user_id, second.user_id}
        session.commit()
    line.set_quota(100)
    awake(sessions)
    change(sessions, Campaign, campaign, state="sending")
    sender.drain()
    assert tally(sessions, campaign) == {
        "sent": 5, "held_out": 1, "withheld opted_out": 1, "withheld blocked": 1,
    }  # fmt: skip
    assert refused.isdisjoint(line.deliveries())
    assert line.violations() == []


@pytest.mark.parametrize(("unclear", "outcome"), [(False, "withheld"), (True, "unsure")])
def test_who_is_forgotten_between_two_attempts_is_counted(
    sessions: Sessions, line: Simulator, sender: Sender, *, unclear: bool, outcome: str
) -> None:
    campaign = launch(sessions, line, how="push", people=2)
    line.faults("error_before" if unclear else "rate_limited", endpoint="push", times=2)
    sender.drain()
    with sessions.writing() as session:
        gone = session.scalars(select(Member).order_by(Member.id)).first()
        assert gone is not None
        leaving.erase(session, gone, by="member", now=datetime.now(UTC))
        for bucket in session.scalars(select(RateBucket)):
            bucket.next_at_us = 0
        session.commit()
    awake(sessions)
    sender.drain()
    awake(sessions)
    sender.drain()
    assert tally(sessions, campaign) == {"sent": 1, "held_out": 1, f"{outcome} erased": 1}
    assert state_of(sessions, campaign) == "sent"


@pytest.mark.parametrize("how", ["multicast", "push"])
def test_a_lease_of_a_clock_that_was_put_back_holds_nothing_up(
    sessions: Sessions, line: Simulator, sender: Sender, how: str
) -> None:
    campaign = launch(sessions, line, how=how)
    with sessions.writing() as session:
        for chunk in session.scalars(select(CampaignChunk)):
            chunk.lease_until = datetime.now(UTC) + timedelta(hours=2)
        session.commit()
    drained(sender)
    assert tally(sessions, campaign) == {"sent": 7, "held_out": 1}


@pytest.mark.parametrize("how", ["multicast", "push"])
def test_a_result_the_database_cannot_hold_keeps_no_other_from_being_written(
    sessions: Sessions, line: Simulator, sender: Sender, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    campaign = launch(sessions, line, people=9, how=how)
    record = closing.record

    def picky(sessions: Sessions, clock: Clock, results: Iterable[closing.ChunkResult]) -> int:
        if any(each.chunk.no == 2 for each in results):
            raise DataError("UPDATE", {}, ValueError("no such character"))
        return record(sessions, clock, results)

    monkeypatch.setattr(closing, "record", picky)
    sender.drain()
    assert tally(sessions, campaign) == {"sent": 6, "ready": 3, "held_out": 1}
    monkeypatch.setattr(closing, "record", record)
    awake(sessions)
    drained(sender)
    assert tally(sessions, campaign) == {"sent": 9, "held_out": 1}
    assert set(line.deliveries().values()) == {1}


def test_of_a_personal_chunk_in_doubt_who_refuses_meanwhile_is_not_written_to(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    campaign = launch(sessions, line, how="push", people=3)
    line.faults("error_before", endpoint="push", times=3)
    sender.drain()
    with sessions.writing() as session:
        first, second = session.scalars(select(Friend).order_by(Friend.id)).all()[:2]
        first.member.marketing_consent, second.is_following = False, False
        session.commit()
    awake(sessions)
    drained(sender)
    assert tally(sessions, campaign) == {
        "sent": 1, "held_out": 1, "unsure opted_out": 1, "unsure blocked": 1,
    }  # fmt: skip
    assert state_of(sessions, campaign) == "sent"
    assert len(line.deliveries()) == 1


def test_who_stops_a_campaign_is_not_overruled(sessions: Sessions, line: Simulator) -> None:
    campaign = launch(sessions, line)
    change(sessions, Campaign, campaign, state="stopped", paused_reason="out_of_quota")
    later = datetime.now(UTC) + timedelta(hours=1)
    change(sessions, Campaign, campaign, goes_on_until=later)
    with sessions.writing() as session:
        for chunk in session.scalars(select(CampaignChunk)):
            chunk.state, chunk.settled_at = "sent", later
        session.flush()
        troubles.go_on(session, later - timedelta(minutes=1), left=None)
        finish_campaigns(session, later)
        session.commit()
    assert state_of(sessions, campaign) == "stopped"


@pytest.mark.parametrize("how", ["multicast", "push"])
def test_resumed_at_night_it_waits_for_the_morning(sessions: Sessions, line: Simulator, how: str) -> None:
    campaign = launch(sessions, line, how=how)
    change(sessions, Brand, 1, quiet_from="21:00", quiet_until="09:00")
    clock = FixedClock(datetime(2026, 3, 10, 15, 0, tzinfo=UTC))  # 23:00 in Taipei
    sender = Sender(sessions, clock, LineAccess(token=line.channel.access_token, base=line.base_url))
    sender.drain()
    assert tally(sessions, campaign) == {"ready": 7, "held_out": 1}
    clock.moment += timedelta(hours=10)
    sender.drain()
    assert tally(sessions, campaign) == {"sent": 7, "held_out": 1}
