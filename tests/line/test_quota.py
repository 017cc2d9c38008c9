"""Out of messages, campaigns wait for a person, or for new messages within the window a person set; replies go on."""

from datetime import UTC, datetime, timedelta

import pytest

from line.sender import Sender
from line.simulator.testing import Simulator
from models.campaign import Campaign
from models.channel import the_channel
from models.session import Sessions
from tests.line.test_campaigns import awake, change, launch, line, sender, shared_line, state_of, tally

__all__ = ["line", "sender", "shared_line"]  # fixtures


def reason_of(sessions: Sessions, campaign: int) -> str | None:
    with sessions.reading() as session:
        return session.get_one(Campaign, campaign).paused_reason


def new_month(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    line.set_quota(1000)
    awake(sessions)
    sender.drain()


@pytest.mark.parametrize("how", ["multicast", "push"])
def test_out_of_messages_it_stops_and_says_so(sessions: Sessions, line: Simulator, sender: Sender, how: str) -> None:
    campaign = launch(sessions, line, how=how)
    line.set_quota(3)
    sender.drain()
    assert (state_of(sessions, campaign), reason_of(sessions, campaign)) == ("paused", "out_of_quota")
    assert tally(sessions, campaign)["ready"] == 4
    new_month(sessions, line, sender)
    assert state_of(sessions, campaign) == "paused"  # nobody said that it may go on
    with sessions.reading() as session:
        assert the_channel(session).stopped_reason is None


@pytest.mark.parametrize(("window", "ends"), [(timedelta(hours=1), "sent"), (timedelta(hours=-1), "paused")])
def test_it_goes_on_by_itself_only_inside_its_window(
    sessions: Sessions, line: Simulator, sender: Sender, window: timedelta, ends: str
) -> None:
    campaign = launch(sessions, line)
    line.set_quota(3)
    sender.drain()
    change(sessions, Campaign, campaign, goes_on_until=datetime.now(UTC) + window)
    new_month(sessions, line, sender)
    sender.drain()
    assert state_of(sessions, campaign) == ends
    assert set(line.deliveries().values()) == {1}


def test_a_window_set_after_the_messages_came_back_works_too(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    campaign = launch(sessions, line)
    line.set_quota(3)
    sender.drain()
    new_month(sessions, line, sender)
    change(sessions, Campaign, campaign, goes_on_until=datetime.now(UTC) + timedelta(hours=1))
    sender.drain()
    sender.drain()
    assert state_of(sessions, campaign) == "sent"


def test_messages_too_few_for_the_next_request_wake_nothing(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    campaign = launch(sessions, line)
    line.set_quota(3)
    sender.drain()
    change(sessions, Campaign, campaign, goes_on_until=datetime.now(UTC) + timedelta(hours=1))
    line.set_quota(5, used=3)  # two are left, and three people are next
    awake(sessions)
    asked = line.pace("multicast")["calls"]
    sender.drain()
    assert (state_of(sessions, campaign), line.pace("multicast")["calls"]) == ("paused", asked)
    line.set_quota(1000, used=3)
    sender.drain()
    sender.drain()
    assert state_of(sessions, campaign) == "sent"


def test_a_token_revoked_in_mid_campaign_stops_the_channel_and_loses_nothing(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    campaign = launch(sessions, line)
    line.faults("unauthorized", times=None)
    sender.drain()
    with sessions.reading() as session:
        assert the_channel(session).stopped_reason == "locked_out"
    assert (state_of(sessions, campaign), tally(sessions, campaign)["ready"]) == ("sending", 7)
    line.no_faults()
    awake(sessions)
    sender.drain()
    assert tally(sessions, campaign) == {"sent": 7, "held_out": 1}
    assert set(line.deliveries().values()) == {1}
