"""A campaign that ran out of the month's messages says so, waits for a person, and may be given a window."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.campaign import Campaign
from models.channel import the_channel
from models.session import Sessions
from tests.console.test_campaigns import drafted, latest, people, version


@pytest.fixture
def desk(signed_in: Callable[..., Any]) -> Any:
    return signed_in("marketer")


def local(moment: datetime) -> str:
    return (moment + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M")  # Taipei


def out_of_messages(sessions: Sessions, *, reason: str | None = "out_of_quota", state: str = "paused") -> str:
    now = datetime.now(UTC)
    with sessions.writing() as session:
        channel = the_channel(session)
        channel.stopped_reason = reason
        campaign = Campaign(
            ref="spring", name="Spring", state=state, state_at=now, created_at=now, channel_id=channel.id,
            paused_reason=reason if state == "paused" else None, audience_rule={"all": []},
        )  # fmt: skip
        session.add(campaign)
        session.commit()
        return campaign.ref


def test_the_page_says_why_it_waits_and_takes_a_window(desk: Any, sessions: Sessions) -> None:
    ref = out_of_messages(sessions)
    page = desk.get(f"/console/sends/{ref}").text
    assert "messages are used up" in page
    assert "resume it" in page
    later = datetime.now(UTC) + timedelta(days=20)
    desk.post(f"/console/sends/{ref}/let-go-on", {"until": local(later)})
    assert abs(latest(sessions).goes_on_until - later) < timedelta(minutes=2)
    assert "goes on by itself once there are messages again" in desk.get(f"/console/sends/{ref}").text
    desk.post(f"/console/sends/{ref}/let-go-on", {"until": ""})
    assert latest(sessions).goes_on_until is None


def test_a_window_that_is_over_is_refused(desk: Any, sessions: Sessions) -> None:
    ref = out_of_messages(sessions)
    over = local(datetime.now(UTC) - timedelta(days=1))
    desk.post(f"/console/sends/{ref}/let-go-on", {"until": over}, on=f"/console/sends/{ref}")
    assert latest(sessions).goes_on_until is None
    assert "Choose a later one" in desk.get(f"/console/sends/{ref}").text


def test_a_person_resumes_it(desk: Any, sessions: Sessions) -> None:
    ref = out_of_messages(sessions)
    desk.post(f"/console/sends/{ref}/resume")
    assert (latest(sessions).state, latest(sessions).paused_reason) == ("sending", None)
    assert "asked again" in desk.get(f"/console/sends/{ref}").text


def test_a_token_that_line_refuses_is_told(desk: Any, sessions: Sessions) -> None:
    ref = out_of_messages(sessions, reason="locked_out", state="sending")
    assert "LINE refuses our access token" in desk.get(f"/console/sends/{ref}").text


def test_the_window_is_set_when_it_is_approved_and_the_allowance_is_remembered(desk: Any, sessions: Sessions) -> None:
    people(sessions)
    with sessions.writing() as session:
        the_channel(session).quota_limit, the_channel(session).quota_used = 10, 3
        session.commit()
    ref = drafted(desk, sessions)
    assert "it may go on by itself until" in desk.get(f"/console/campaigns/{ref}/dry-run").text
    later = datetime.now(UTC) + timedelta(days=2)
    form = {"edit_version": version(sessions), "goes_on_until": local(later)}
    desk.post(f"/console/campaigns/{ref}/approve", form)
    assert latest(sessions).state == "approved"
    assert abs(latest(sessions).goes_on_until - later) < timedelta(minutes=2)
    assert latest(sessions).allowance_left == 7
