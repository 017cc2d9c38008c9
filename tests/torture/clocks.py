"""F12 and F7: several clocks, killed and paused holders, and clocks that are wrong. Each (job, period) once.

    python -m tests.torture.clocks [--small] [--database sqlite|postgresql]

Real `flask clock` and `flask worker` processes with the product's own timetable and one slow job of ours, leases
of three seconds. Days are begun by moving the practice offset; during them the clock is killed, or paused for two
leases and let go on; so is the worker that holds the job (on SQLite the clock holds it). Then machine clocks that
are five minutes and two hours off (those processes see a shifted wall clock, by time-machine: no libfaketime here),
the business clock put two hours forward and back, and, in this process but through the same claims, days of 23 and
25 hours and a leap day. What finished is counted by a trigger in the database, what was written by whom in a table
of ours: nobody who was overtaken may have written anything after that. About two minutes a database in full.
"""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import text, update

from jobs.runner import Job, run_if_due
from jobs.timetable import daily
from models.clock import PracticeClock
from models.programme import Brand
from models.session import Sessions
from tests.torture._product import Product, wait_until
from tests.torture._result import Trial, check, program

LEASE = 3.0
START = datetime(2027, 1, 5, 4, tzinfo=UTC)  # a noon in Taipei
AUDIT = {
    "sqlite": (
        "CREATE TABLE torture_piece (id INTEGER PRIMARY KEY, day TEXT, process BIGINT, piece INT, is_last BOOLEAN)",
        "CREATE TABLE torture_done (id INTEGER PRIMARY KEY, job TEXT, period TEXT)",
        "CREATE TRIGGER torture_done AFTER UPDATE OF state ON job_run WHEN NEW.state = 'done' AND OLD.state <> 'done' "
        "BEGIN INSERT INTO torture_done (job, period) VALUES (NEW.job, NEW.period); END",
    ),
    "postgresql": (
        "CREATE TABLE torture_piece (id BIGSERIAL PRIMARY KEY, day TEXT, process BIGINT, piece INT, is_last BOOLEAN)",
        "CREATE TABLE torture_done (id BIGSERIAL PRIMARY KEY, job TEXT, period TEXT)",
        "CREATE FUNCTION torture_done() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO torture_done (job, period) VALUES (NEW.job, NEW.period); RETURN NULL; END $$",
        "CREATE TRIGGER torture_done AFTER UPDATE OF state ON job_run FOR EACH ROW "
        "WHEN (NEW.state = 'done' AND OLD.state <> 'done') EXECUTE FUNCTION torture_done()",
    ),
}  # fmt: skip


class Clocks(Product):
    """The product with our job in its timetable; a process may be given a clock that is off."""

    shift = 0.0

    def command(self, name: str) -> list[str]:
        words = super().command(name)
        at = words.index("flask")
        return [sys.executable, "-m", "tests.torture._with_jobs", str(self.shift), *words[at + 1 :]]


class Days:
    """Begins business days and counts what became of each."""

    def __init__(self, product: Clocks) -> None:
        self.product, self.sessions = product, product.sessions
        self.moment = START
        self.begun: list[str] = []

    def begin(self) -> str:
        """The next day at noon; returns its name."""
        self.moment += timedelta(days=1)
        self.set(self.moment)
        self.begun.append(self.moment.date().isoformat())
        return self.begun[-1]

    def set(self, moment: datetime) -> None:
        offset = int((moment - datetime.now(UTC)).total_seconds())
        with self.sessions.writing() as session:
            row = session.get(PracticeClock, 1) or PracticeClock(id=1)
            row.offset_seconds = row.target_seconds = row.started_from = offset
            session.add(row)
            session.commit()

    def rows(self, statement: str, **values: Any) -> list[Any]:
        with self.sessions.reading() as session:
            return list(session.execute(text(statement), values))

    def holder(self, day: str) -> int | None:
        """Process group of whoever works on the day."""
        found = self.rows("SELECT process FROM torture_piece WHERE day = :day ORDER BY id DESC LIMIT 1", day=day)
        return int(found[0].process) if found else None

    def wait_for_holder(self, day: str) -> str:
        wait_until(lambda: self.holder(day), f"someone to begin {day}", pause=0.02, watch=self.product)
        return next(name for name in self.product.names() if self.product.pid(name) == self.holder(day))

    def is_done(self, day: str) -> bool:
        return bool(self.rows("SELECT 1 FROM torture_done WHERE job = 'torture_night' AND period = :day", day=day))

    def wait_for_end(self, day: str) -> None:
        wait_until(lambda: self.is_done(day), f"{day} to be done", watch=self.product)

    def counts(self) -> dict[str, int]:
        """Runs that finished more than once, days without their run, and writes of those who were overtaken."""
        finished = self.rows(
            "SELECT job, period, count(*) AS n FROM torture_done WHERE period <> 'latest' GROUP BY 1, 2"
        )
        ended = dict(self.rows("SELECT day, count(*) FROM torture_piece WHERE is_last GROUP BY day"))
        return {
            "runs": len(finished),
            "doubles": sum(row.n - 1 for row in finished) + sum(n - 1 for n in ended.values()),
            "missed": sum(day not in ended for day in self.begun),
            "late_writes": sum(self._late(day) for day in self.begun),
            "taken_over": sum(len(set(self._writers(day))) > 1 for day in self.begun),
        }

    def _writers(self, day: str) -> list[int]:
        return [row.process for row in self.rows("SELECT process FROM torture_piece WHERE day = :d ORDER BY id", d=day)]

    def _late(self, day: str) -> int:
        """Pieces of a holder that come after another's."""
        writers = self._writers(day)
        order = list(dict.fromkeys(writers))
        return sum(order.index(who) < order.index(before) for before, who in pairwise(writers))


def run(trial: Trial) -> None:
    settings = {"JOB_LEASE_SECONDS": str(LEASE)}
    with trial.database() as url, Clocks(url, trial.folder, **settings) as product:
        with product.sessions.writing() as session:
            for statement in AUDIT[trial.kind]:
                session.execute(text(statement))
            session.commit()
        days = Days(product)
        days.begin()
        product.start("clock", "clock-2", "worker", "worker-2")
        days.wait_for_end(days.begun[0])
        for hit in (pause_holder,) if trial.is_small else (kill_holder, pause_holder, pause_clock, kill_clock):
            hit(product, days)
        if not trial.is_small:
            wrong_clocks(product, days)
        with_hours = 0 if trial.is_small else odd_days(product.sessions)
        found = days.counts()
        trial.note(days=len(days.begun), odd_days=with_hours, **found)
        check(not found["late_writes"], "a holder that was overtaken wrote on")
        # On SQLite the paused clock keeps its lock, so nobody takes over: it goes on where it was.
        check(found["taken_over"] or trial.kind == "sqlite", "nobody took over from a paused holder")


def kill_holder(product: Clocks, days: Days) -> None:
    """Whoever runs the job dies; another takes it up."""
    day = days.begin()
    name = days.wait_for_holder(day)
    product.kill(name)
    days.wait_for_end(day)
    product.start(name)


def pause_holder(product: Clocks, days: Days) -> None:
    """Paused for more than two leases in the middle of a transaction, then let go on."""
    day = days.begin()
    name = days.wait_for_holder(day)
    product.pause(name)
    time.sleep(2 * LEASE + 0.5)
    if product.database_url.startswith("postgresql"):
        days.wait_for_end(day)
    product.go_on(name)
    days.wait_for_end(day)
    time.sleep(2)  # what it still had in hand would be written now


def pause_clock(product: Clocks, days: Days) -> None:
    """One clock sleeps through the beginning of a day, and wakes late."""
    product.pause("clock")
    day = days.begin()
    time.sleep(2 * LEASE + 0.5)
    product.go_on("clock")
    days.wait_for_end(day)


def kill_clock(product: Clocks, days: Days) -> None:
    """The clock that was first dies as the day begins; the other is enough."""
    day = days.begin()
    product.kill("clock")
    days.wait_for_end(day)
    product.start("clock")


def wrong_clocks(product: Clocks, days: Days) -> None:
    """Machines that are off by minutes and hours, and a business clock put forward and back."""
    for shift in (-300.0, 7200.0, -7200.0):
        product.kill("clock")
        product.shift = shift
        product.start("clock")
        product.shift = 0.0
        day = days.begin()
        days.wait_for_end(day)
    for hours in (2, 0, -2, 0):
        days.set(days.moment + timedelta(hours=hours))
        time.sleep(6)  # a look of each clock


def odd_days(sessions: Sessions) -> int:
    """Every quarter of an hour through days of 23, 24 and 25 hours: each has its run once. Returns how many days."""
    with sessions.writing() as session:
        session.execute(update(Brand).values(business_timezone="Europe/Berlin"))
        session.commit()
    runs: list[datetime] = []
    job = Job("odd_days", "Counts.", daily("02:30"), _counting(runs))
    count = 0
    for first in (datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 10, 30, 12, tzinfo=UTC),
                  datetime(2028, 2, 28, 12, tzinfo=UTC)):  # fmt: skip
        runs.clear()
        for quarter in range(4 * 48):
            run_if_due(sessions, job, now=first + timedelta(minutes=15 * quarter))
        check(len(runs) == 3, f"{len(runs)} runs in two days from {first.date()} on, and one made up before")
        count += 2
    return count


def _counting(runs: list[datetime]) -> Callable[..., dict[str, Any]]:
    def run(_sessions: Sessions, *, now: datetime, progress: Any) -> dict[str, Any]:
        runs.append(now)
        return {}

    return run


def main() -> None:
    program("F7+F12", run, doc=__doc__)


if __name__ == "__main__":
    main()
