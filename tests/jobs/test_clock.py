"""The timetable through clocks that jump, days that are 23 or 25 hours long, and clocks that are several."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import text, update

import jobs.clock
from domain.calendar import Calendar
from door import Service
from jobs.clock import TheClock
from jobs.runner import Job, run_if_due
from jobs.timetable import Schedule, daily, every, monthly
from models.clock import Clock
from models.programme import Brand
from models.session import Sessions

HOUR = timedelta(hours=1)


class Counted:
    """A job that keeps when it ran."""

    def __init__(self, schedule: Schedule) -> None:
        self.runs: list[datetime] = []
        self.job = Job("counted", "Counts.", schedule, self.run)

    def run(self, _sessions: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        self.runs.append(now)
        return {}

    def look(self, sessions: Sessions, *moments: datetime) -> int:
        return sum(run_if_due(sessions, self.job, now=each) for each in moments)


def in_zone(sessions: Sessions, zone: str) -> None:
    with sessions.writing() as session:
        session.execute(update(Brand).values(business_timezone=zone))
        session.commit()


def minutes(begin: datetime, count: int, step: int = 15) -> list[datetime]:
    return [begin + timedelta(minutes=step * n) for n in range(count)]


@pytest.mark.parametrize("at", ["00:00", "01:30", "02:30", "03:10"])
@pytest.mark.parametrize("day", [date(2027, 3, 28), date(2027, 10, 31)])  # 23 and 25 hours long in Berlin
def test_days_of_23_and_25_hours_have_one_night_each(sessions: Sessions, at: str, day: date) -> None:
    in_zone(sessions, "Europe/Berlin")
    counted = Counted(daily(at))
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - 6 * HOUR
    looks = minutes(begin, 2 * 48, step=30)  # two days around it
    counted.look(sessions, *looks)
    days = Counter(_due_day(counted, each, "Europe/Berlin") for each in counted.runs)
    assert set(days.values()) == {1}
    assert day in days


def _due_day(counted: Counted, now: datetime, zone: str) -> date:

    calendar = Calendar(ZoneInfo(zone))
    return calendar.day_of(counted.job.schedule.latest(now, calendar))


def test_the_29th_of_february_has_its_night_and_its_month(sessions: Sessions) -> None:
    night, month = Counted(daily("03:10")), Counted(monthly(1, "04:00"))
    looks = minutes(datetime(2028, 2, 27, tzinfo=UTC), 24 * 4, step=60)  # to 1 March
    night.look(sessions, *looks)
    nights = [_due_day(night, each, "Asia/Taipei") for each in night.runs]
    assert nights == [date(2028, 2, 27), date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1), date(2028, 3, 2)]
    month.job = Job("monthly", "", month.job.schedule, month.run)
    month.look(sessions, *looks)
    assert len(month.runs) == 2  # February's, made up at the first look, and March's


def test_a_clock_put_forward_and_back_runs_no_night_twice(sessions: Sessions) -> None:
    counted = Counted(daily("03:10"))
    noon = datetime(2027, 5, 4, 4, tzinfo=UTC)
    for jump in (0, 2, 0, -2, 0, 26, 0, 22, 24):
        counted.look(sessions, noon + jump * HOUR)
    assert len(counted.runs) == 2  # today's and, seen from 24 hours on, tomorrow's


def test_a_clock_put_back_does_not_silence_what_runs_every_few_minutes(sessions: Sessions) -> None:
    counted = Counted(every(minutes=5))
    noon = datetime(2027, 5, 4, 4, tzinfo=UTC)
    counted.look(sessions, noon + 2 * HOUR)
    assert counted.look(sessions, *minutes(noon, 12, step=5)) == 12


def service_of(sessions: Sessions) -> Service:
    return Service(
        sessions=sessions, clock=Clock(), secret_key="", public_url="", channel_secret="",
        login_channel_id="", liff_id="", practice_origin="", metrics_key="",
    )  # fmt: skip


@pytest.fixture
def only_counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted(daily("03:10"))
    monkeypatch.setattr(jobs.clock, "all_jobs", lambda: {"counted": counted.job})
    return counted


def test_on_postgresql_two_clocks_hand_a_night_to_the_workers_once(sessions: Sessions, only_counted: Counted) -> None:
    if sessions.engine.dialect.name != "postgresql":
        pytest.skip("on SQLite the clock runs the jobs itself")
    clocks = [TheClock(service_of(sessions)) for _ in range(2)]
    for _ in range(3):
        for clock in clocks:
            clock.tick()
    with sessions.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 1
    assert only_counted.runs == []


def test_on_postgresql_a_clock_minutes_off_follows_the_database(sessions: Sessions, only_counted: Counted) -> None:
    if sessions.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no clock of its own")
    clock = TheClock(service_of(sessions))
    seen = []
    for off in (timedelta(0), timedelta(minutes=-5), timedelta(hours=2), timedelta(days=40)):
        with time_machine.travel(datetime.now(UTC) + off), sessions.reading() as session:
            seen.append(clock.clock.shared_now(session))
    assert max(seen) - min(seen) < timedelta(minutes=3)


def test_on_sqlite_the_clock_runs_the_night_itself(sessions: Sessions, only_counted: Counted) -> None:
    if sessions.engine.dialect.name == "postgresql":
        pytest.skip("on PostgreSQL workers run it")
    clock = TheClock(service_of(sessions))
    clock.tick()
    clock.tick()
    assert len(only_counted.runs) == 1
