"""What the machines that watch us are told: alive, ready or which part is not, and the figures of all processes."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from api import figures
from app import create_app
from heart import Heart
from models import revisions, tallies
from models.automation import JobRun
from models.channel import RateBucket, the_channel
from models.inbox import InboundBody, WebhookEvent
from models.member import Member
from models.outbox import OutgoingMessage
from models.session import Sessions, make_engine
from settings import Settings
from tests.api.conftest import Till
from tests.support import databases
from tests.support.moments import NOW

KEY = {"Authorization": "Bearer measure"}


def scrape(till: Till) -> dict[tuple[str, ...], float]:
    """Every figure, by its name and the values of its labels."""
    answer = till.client.get("/metrics", headers=KEY)
    assert answer.status_code == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def letter(session: Any, once: str, **values: Any) -> OutgoingMessage:
    member = Member(ref=once, created_at=NOW)
    session.add(member)
    session.flush()
    made = OutgoingMessage(
        channel_id=the_channel(session).id, member_id=member.id, to="U1", kind="service", name="answer", messages=[],
        once=once, created_at=NOW, retry_key=once, **{"due_at": NOW, **values},
    )  # fmt: skip
    session.add(made)
    return made


def test_ready_says_that_every_part_is(till: Till) -> None:
    assert till.client.get("/healthz").text == "ok\n"
    said = till.client.get("/readyz").get_json()
    assert said["status"] == "ready"
    assert said["parts"]["database"] == "answers"
    assert said["parts"]["migrations"] == f"at {revisions.newest()}"
    assert said["parts"]["lag"] == {
        "inbox_seconds": 0, "outbox_seconds": 0, "inbox_at_most": 120, "outbox_at_most": 300
    }  # fmt: skip


def test_a_reader_that_is_far_behind_is_named(till: Till, sessions: Sessions) -> None:
    with sessions.writing() as session:
        came = datetime.now(UTC) - timedelta(minutes=9)
        session.add(InboundBody(channel_id=the_channel(session).id, received_at=came, body=b"{}"))
        session.commit()
    answer = till.client.get("/readyz")
    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert "lag: inbox is 54" in answer.get_json()["detail"]
    assert answer.get_json()["parts"]["database"] == "answers"
    # A load balancer asks for less: a host whose worker is behind must still take what LINE sends.
    assert till.client.get("/readyz?only=database,migrations").status_code == 200
    assert till.client.get("/readyz?only=weather").status_code == 422


def test_what_waits_on_purpose_is_not_late(till: Till, sessions: Sessions) -> None:
    with sessions.writing() as session:
        letter(session, "late", due_at=NOW - timedelta(hours=1))
        session.commit()
    assert till.client.get("/readyz").status_code == 503
    with sessions.writing() as session:
        the_channel(session).stopped_reason = "out_of_quota"
        session.commit()
    assert till.client.get("/readyz").status_code == 200


@pytest.mark.parametrize(("step", "status"), [("0001", 503), ("9999", 200)])
def test_a_database_that_was_not_migrated_is_named_and_a_newer_one_is_served(
    till: Till, sessions: Sessions, step: str, status: int
) -> None:
    with sessions.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :step"), {"step": step})
        session.commit()
    answer = till.client.get("/readyz")
    assert answer.status_code == status
    if status == 503:
        assert f"the database is at 0001 and needs {revisions.newest()}" in answer.get_json()["detail"]


@pytest.mark.parametrize("kind", databases.KINDS)
def test_an_empty_database_is_not_ready(kind: str, tmp_path: Path) -> None:
    url = databases.empty(kind, "bare", tmp_path)
    answer = create_app(Settings(database_url=url)).test_client().get("/readyz")
    assert answer.status_code == 503
    assert "flask migrate" in answer.get_json()["detail"]
    databases.drop(url)


def test_a_database_that_is_away_is_named(tmp_path: Path) -> None:
    app = create_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/nothing"))
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["detail"].startswith("database: could not be asked")
    assert app.test_client().get("/healthz").status_code == 200


def test_processes_add_up_what_they_count_and_any_of_them_tells(till: Till, sessions: Sessions) -> None:
    tallies.taken()
    for _ in range(3):
        assert till.client.post("/webhook", data=b"{}").status_code == 401
    first, second = Heart(sessions, "web", "test"), Heart(sessions, "worker", "test")
    second.name = "elsewhere:1"
    first.beat()
    tallies.count("regulars_line_answers", 'endpoint="push",verdict="accepted",status="200"', 5)
    second.beat()
    found = scrape(till)
    assert found[("regulars_ack_seconds_count", "401")] == 3
    assert found[("regulars_ack_seconds_bucket", "+Inf", "401")] == 3
    assert found[("regulars_ack_seconds_sum", "401")] > 0
    assert found[("regulars_line_answers_total", "push", "200", "accepted")] == 5
    assert (found[("regulars_processes", "web")], found[("regulars_processes", "clock")]) == (1, 0)
    first.end()
    second.end()
    assert scrape(till)[("regulars_processes", "web")] == 0


def test_counting_from_many_threads_loses_nothing(sessions: Sessions) -> None:
    tallies.taken()
    hearts = [Heart(sessions, "web", "test") for _ in range(4)]

    def work(heart: Heart) -> None:
        for _ in range(20):
            tallies.count("test_of_counting")
            heart.beat()

    threads = [threading.Thread(target=work, args=(heart,)) for heart in hearts]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    with sessions.reading() as session:
        assert session.scalar(text("SELECT value FROM tally WHERE name = 'test_of_counting'")) == 80


def test_what_could_not_be_added_is_kept_for_the_next_time(sessions: Sessions) -> None:
    tallies.taken()
    tallies.count("test_of_keeping")
    away = Heart(Sessions(make_engine("postgresql://nobody@127.0.0.1:1/nothing")), "web", "test")
    with pytest.raises(Exception, match=r"refused|failed"):
        away.beat()
    Heart(sessions, "web", "test").beat()
    with sessions.reading() as session:
        assert session.scalar(text("SELECT value FROM tally WHERE name = 'test_of_keeping'")) == 1


def test_the_figures_tell_what_waits_and_why(till: Till, sessions: Sessions) -> None:
    began = datetime.now(UTC) - timedelta(seconds=90)
    with sessions.writing() as session:
        channel = the_channel(session)
        channel.quota_limit, channel.quota_used, channel.stopped_reason = 1000, 400, "out_of_quota"
        letter(session, "a", state="failed", reason="no_line_id")
        letter(session, "b", state="failed", reason="The property, 'to', of 王小明 is invalid")
        letter(session, "c", state="unsure")
        letter(session, "d", state="failed", reason="no_line_id", due_at=NOW - timedelta(days=3))
        session.add(WebhookEvent(event_id="1", type="message", received_at=NOW, state="parked"))
        session.add(RateBucket(channel_id=channel.id, endpoint="push", per_second=1900))
        session.add(JobRun(job="scores", period="2026-03-10", state="done", started_at=NOW, began_at=began,
                           finished_at=began + timedelta(seconds=30)))  # fmt: skip
        session.commit()
    found = scrape(till)
    assert found[("regulars_messages_not_sent", "no_line_id", "failed")] == 1
    assert found[("regulars_messages_not_sent", "told_by_line", "failed")] == 1
    assert found[("regulars_needs_person", "unsure_letters")] == 1
    assert found[("regulars_needs_person", "parked_events")] == 1
    assert found[("regulars_quota_left",)] == 600
    assert found[("regulars_channel_stopped", "out_of_quota")] == 1
    assert found[("regulars_bucket_per_second", "push")] == 1900
    assert found[("regulars_job_seconds", "scores")] == pytest.approx(30)
    assert 59 < found[("regulars_job_age_seconds", "scores")] < 600
    assert found[("regulars_job_state", "scores", "done")] == 1
    assert found[("regulars_database_bytes",)] > 100_000


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_scrape_counts_no_large_table(till: Till, sessions: Sessions) -> None:
    """Of a large table every part of the scrape reads an index or a row; PostgreSQL's own plans say so."""
    large = {"event", "recipient", "outgoing_message", "inbound_body", "webhook_event", "campaign_chunk", "member",
             "enrolment"}  # fmt: skip
    with sessions.writing() as session:
        session.execute(text("SELECT pg_stat_reset()"))
        session.execute(text("SET enable_seqscan = off"))
        list(figures.Figures(session, NOW, version="test").collect())
        session.commit()
    with sessions.reading() as session:
        session.execute(text("SELECT pg_stat_force_next_flush()"))
        scanned = "SELECT relname FROM pg_stat_user_tables WHERE seq_scan > 0"
        assert not large & set(session.scalars(text(scanned)))
