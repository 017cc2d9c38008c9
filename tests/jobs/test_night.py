"""Every job runs on an empty shop and on a busy one, twice, and says what it did."""

from datetime import timedelta

import pytest

from jobs.runner import NIGHT, all_jobs, quiet, run_by_hand
from models.inbox import InboundBody
from models.session import Sessions
from tests.support.factories import make_member, make_purchase
from tests.support.moments import NOW


def test_the_night_names_only_jobs_there_are() -> None:
    assert set(NIGHT) <= set(all_jobs())


@pytest.mark.parametrize("name", NIGHT)
def test_a_job_runs_twice_without_harm(sessions: Sessions, name: str) -> None:
    with sessions.writing() as session:
        for _ in range(3):
            make_purchase(session, make_member(session), paid_at=NOW - timedelta(days=3), amount=500)
        session.commit()
    for _ in range(2):
        assert isinstance(run_by_hand(sessions, name, now=NOW), dict)


def test_raw_bodies_go_thirty_days_after_their_effects(sessions: Sessions) -> None:
    from datetime import UTC, datetime

    old, fresh = datetime.now(UTC) - timedelta(days=31), datetime.now(UTC) - timedelta(days=29)
    with sessions.writing() as session:
        for received_at, state in ((old, "done"), (old, "parked"), (fresh, "done")):
            session.add(InboundBody(channel_id=1, received_at=received_at, body=b"{}", state=state))
        session.commit()
    report = all_jobs()["expire"].run(sessions, now=NOW, progress=quiet)
    assert report["raw_bodies"] == 2  # parked ones too: whoever had to look has had a month
