"""Is everything all right? The page says so in words, counts open into what they count, and a person decides."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from console import health_words
from heart import Heart
from jobs.runner import all_jobs
from models.automation import Automation, Enrolment, JobRun
from models.campaign import Campaign, CampaignChunk, Recipient
from models.channel import the_channel
from models.clock import machine_now
from models.inbox import InboundBody, WebhookEvent
from models.member import Member
from models.session import Sessions
from models.staff import AuditLine

PAGE, STUCK = "/console/health/", "/console/settings/stuck"


@pytest.fixture
def at_work(sessions: Sessions) -> dict[str, Heart]:
    """A web process, a worker and a clock that live, and jobs that ran a moment ago."""
    hearts = {kind: Heart(sessions, kind, "test") for kind in ("web", "worker", "clock")}
    for kind, heart in hearts.items():
        heart.name = f"{kind}-host:1"
        heart.beat()
    with sessions.writing() as session:
        now = machine_now(session)
        for name in all_jobs():
            session.add(
                JobRun(job=name, period="x", state="done", started_at=now, began_at=now - timedelta(seconds=30),
                       finished_at=now)
            )  # fmt: skip
        session.commit()
    return hearts


def seen(app: APIFlask, desk: Any, path: str = PAGE) -> str:
    app.extensions.pop("health_mark", None)
    answer = desk.get(path)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.text)


def test_all_is_well_when_everybody_is_at_work(
    app: APIFlask, signed_in: Callable[..., Any], at_work: dict[str, Heart]
) -> None:
    page = seen(app, signed_in("owner"))
    assert "<h1>Everything is all right.</h1>" in page
    assert "All is well" in page
    assert "worker-host:1" in page
    assert page.count("All right</td>") == len(all_jobs())
    assert "30 s" in page


def test_who_is_missing_is_said_with_what_to_do(
    app: APIFlask, signed_in: Callable[..., Any], at_work: dict[str, Heart]
) -> None:
    at_work["worker"].end()
    page = seen(app, signed_in("marketer"))
    assert "One thing needs a person." in page
    assert "No worker is running: what people write is kept but not read" in page
    assert "Start the worker (flask worker)" in page
    assert "One thing needs you" in page


def test_everything_that_can_be_the_matter_has_words(
    app: APIFlask, signed_in: Callable[..., Any], sessions: Sessions
) -> None:
    with sessions.writing() as session:
        channel, now = the_channel(session), machine_now(session)
        channel.quota_limit, channel.quota_used, channel.quota_checked_at = 1000, 990, now - timedelta(minutes=3)
        session.add(InboundBody(channel_id=channel.id, received_at=now - timedelta(minutes=9), body=b"{}"))
        session.add(JobRun(job="scores", period="x", state="failed", started_at=now, error="KeyError"))
        session.add(
            Campaign(ref="late", name="Late", channel_id=channel.id, state="approved", created_at=now,
                     state_at=now - timedelta(hours=1))
        )  # fmt: skip
        session.add(
            Campaign(ref="dry", name="Dry", channel_id=channel.id, state="paused", paused_reason="out_of_quota",
                     created_at=now, state_at=now)
        )  # fmt: skip
        session.commit()
    page = seen(app, signed_in("owner"))
    for words in (
        "No worker is running", "No clock is running", "read 9 minutes late", "“Scores” failed the last time",
        "“Tiers” was due and has not run", "Campaigns that wait because LINE stopped them: 1.",
        "10 of 1,000 messages", "as LINE said 3 min ago", "should have begun and have not: 1.",
    ):  # fmt: skip
        assert words in page, words
    for reason, words in (("out_of_quota", "messages are used up"), ("locked_out", "access token"), ("odd", "(odd)")):
        with sessions.writing() as session:
            the_channel(session).stopped_reason = reason
            session.commit()
        assert words in seen(app, signed_in("owner", login=reason))


def test_every_job_has_a_name_people_understand() -> None:
    assert set(health_words.JOBS) >= set(all_jobs())


def make_stuck(sessions: Sessions) -> None:
    """One of each thing that only a person can decide."""
    with sessions.writing() as session:
        channel, now = the_channel(session), machine_now(session)
        campaign = Campaign(
            ref="autumn", name="Autumn", channel_id=channel.id, state="sending", created_at=now, state_at=now
        )
        automation = Automation(key="gift", name={"en": "Birthday gift"}, trigger={})
        member = Member(ref="m1", name="Mei", created_at=now)
        session.add_all([campaign, automation, member])
        session.flush()
        session.add_all(
            [
                WebhookEvent(event_id="e1", type="message", received_at=now, state="parked", error="KeyError: 'x'",
                             payload={"words": "of somebody"}),
                InboundBody(channel_id=channel.id, received_at=now, body=b"x", state="parked", error="not JSON",
                            attempts=5),
                CampaignChunk(campaign_id=campaign.id, no=3, state="unsure", size=1, first_attempt_at=now,
                              settled_at=now),
                Recipient(campaign_id=campaign.id, member_id=member.id, chunk_no=3, state="unsure", due_at=now),
                Enrolment(automation_id=automation.id, member_id=member.id, cause="x", entered_at=now, due_at=now,
                          state="failed", reason="KeyError"),
            ]
        )  # fmt: skip
        session.commit()


DECISIONS = {
    "events/1": lambda s: s.scalars(select(WebhookEvent.state)).one() == "retry",
    "events/1/let-go": lambda s: s.execute(select(WebhookEvent.state, WebhookEvent.payload)).one() == ("ignored", None),
    "requests/1": lambda s: s.execute(select(InboundBody.state, InboundBody.attempts)).one() == ("new", 0),
    "requests/1/let-go": lambda s: s.scalars(select(InboundBody.state)).one() == "done",
    "parts/autumn/3/sent": lambda s: (
        s.scalars(select(CampaignChunk.state)).one(), s.scalars(select(Recipient.state)).one()
    ) == ("sent", "sent"),
    "parts/autumn/3/failed": lambda s: s.execute(select(Recipient.state, Recipient.sent_at)).one() == ("failed", None),
    "cases/1": lambda s: s.scalars(select(Enrolment.state)).one() == "waiting",
    "cases/1/let-go": lambda s: s.scalars(select(Enrolment.state)).one() == "left",
}  # fmt: skip


@pytest.mark.parametrize("decision", DECISIONS)
def test_what_is_stuck_is_decided_once_and_written_down(
    app: APIFlask, signed_in: Callable[..., Any], sessions: Sessions, at_work: dict[str, Heart], decision: str
) -> None:
    make_stuck(sessions)
    desk = signed_in("marketer")
    assert "<h1>4 things need a person.</h1>" in seen(app, desk)
    assert f'action="{STUCK}/{decision}"' in seen(app, desk, STUCK)
    assert desk.post(f"{STUCK}/{decision}", on=STUCK).status_code == 303
    with sessions.reading() as session:
        assert DECISIONS[decision](session)
        assert session.scalar(select(AuditLine.object).order_by(AuditLine.id.desc()).limit(1))
    assert "<h1>3 things need a person.</h1>" in re.sub(r"\s+", " ", desk.get(PAGE).text)
    desk.post(f"{STUCK}/{decision}", on=STUCK)
    assert "Nothing changed:" in desk.get(STUCK).text


def test_there_is_no_such_part(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    desk = signed_in("marketer")
    desk.post(f"{STUCK}/parts/nowhere/3/sent", on=STUCK)
    assert "There is no such campaign" in desk.get(STUCK).text
