"""Is everything all right? The answer in words first, then what needs a person, then the figures behind it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, render_template, url_for

import door
from console import roles
from console.health_words import FINDINGS, JOBS, KINDS, STATES, STOPPED
from domain.calendar import calendar_of
from domain.reports import health
from domain.wording import mark
from models.automation import JobRun
from models.channel import the_channel
from models.clock import machine_now
from models.running import Process

blueprint = Blueprint("health", __name__, url_prefix="/health")

MARK_SECONDS = 20.0  # how long the mark on every page may be old
FEW_MESSAGES = 0.1  # of the month's allowance


@dataclass(frozen=True)
class Trouble:
    """One thing that needs a person: what is the matter, what to do now, and where."""

    words: str
    advice: str
    url: str | None


@dataclass(frozen=True)
class JobLine:
    """One job: when it last ran and how that went, and when it runs next."""

    words: str
    run: JobRun | None
    state: str
    took: str
    due: datetime


@blueprint.get("/")
@roles.needs("marketer")
def page() -> str:
    session, now = door.session(), door.now()
    machine = machine_now(session)
    found = _findings(now, machine)
    _remember(len(found))
    channel = the_channel(session)
    return render_template(
        "console/health.html", troubles=[_trouble(each) for each in found],
        lags=_lag_words(health.lags(session, now=now, machine=machine)), channel=channel, left=_left(channel),
        jobs=_job_lines(now), kinds=KINDS, processes=_by_kind(health.processes(session, machine)),
        ago=lambda moment: long_words(machine - moment),
        room=_room_words(health.room_of(session)), version=door.service().extra["version"],
    )  # fmt: skip


def needing_a_person() -> int:
    """How many things need a person, for the mark on every page; looked up again after a few seconds."""
    at, count = current_app.extensions.get("health_mark", (0.0, 0))
    if time.monotonic() - at > MARK_SECONDS or not at:
        count = len(_findings(door.now(), machine_now(door.session())))
        _remember(count)
    return int(count)


def look_again() -> None:
    """Something was decided: the mark is not to be believed any more."""
    current_app.extensions.pop("health_mark", None)


def _remember(count: int) -> None:
    current_app.extensions["health_mark"] = (time.monotonic(), count)


def _findings(now: datetime, machine: datetime) -> list[health.Finding]:
    due = [(name, latest) for name, latest, _ in _timetable(now)]
    return health.findings(door.session(), jobs_due=due, now=now, machine=machine)


def _timetable(now: datetime) -> list[tuple[str, datetime, datetime]]:
    ahead: list[tuple[str, datetime, datetime]] = door.service().extra["timetable"](now, calendar_of(door.session()))
    return ahead


def _trouble(found: health.Finding) -> Trouble:
    kind = f"channel_{found.values['reason']}" if found.kind == "channel_stopped" else found.kind
    words, advice, endpoint = FINDINGS.get(kind) or STOPPED
    values = {"n": found.count, **found.values}
    if "job" in values:
        values["job"] = _job_words(values["job"])
    return Trouble(door.words(words, **values), door.words(advice, **values), url_for(endpoint) if endpoint else None)


def _lag_words(lags: health.Lags) -> list[tuple[str, str]]:
    rows = ((mark("To be read"), lags.inbox), (mark("To be sent"), lags.letters))
    nothing = door.words("Nothing waits.")
    return [
        (door.words(name), door.words("The oldest has waited %(time)s.", time=long_words(lag)) if lag else nothing)
        for name, lag in rows
    ]


def _left(channel: Any) -> dict[str, Any] | None:
    """What is left of the month, when LINE has said; `few` when that is worth a look."""
    if channel.quota_limit is None:
        return None
    left = max(0, channel.quota_limit - (channel.quota_used or 0))
    return {"left": left, "limit": channel.quota_limit, "few": left < channel.quota_limit * FEW_MESSAGES}


def _job_lines(now: datetime) -> list[JobLine]:
    runs = health.latest_runs(door.session())
    lines = []
    for name, _, following in sorted(_timetable(now), key=lambda each: each[2]):
        run = runs.get(name)
        state = door.words(STATES.get(run.state, run.state) if run else mark("Not run yet"))
        lines.append(JobLine(_job_words(name), run, state, _took(run), following))
    return lines


def _job_words(name: str) -> str:
    return door.words(JOBS[name]) if name in JOBS else name.replace("_", " ")


def _took(run: JobRun | None) -> str:
    if run is None or run.finished_at is None or run.began_at is None or run.finished_at < run.began_at:
        return ""
    return long_words(run.finished_at - run.began_at)


def _by_kind(alive: Sequence[Process]) -> list[tuple[str, list[Process]]]:
    return [(kind, [each for each in alive if each.kind == kind]) for kind in KINDS]


def _room_words(room: health.Room) -> str:
    if room.free is None:
        return door.words("%(size)s MB", size=f"{room.size / 2**20:,.0f}")
    return door.words(
        "%(size)s MB, and %(free)s GB free on its disk",
        size=f"{room.size / 2**20:,.0f}", free=f"{room.free / 2**30:,.1f}",
    )  # fmt: skip


def long_words(span: timedelta) -> str:
    """How long, to one unit: 12 s, 4 min, 3 h, 2 d."""
    seconds = span.total_seconds()
    if seconds < 1:
        return door.words("less than a second")
    if seconds < 120:
        return door.words("%(n)s s", n=round(seconds))
    if seconds < 7200:
        return door.words("%(n)s min", n=round(seconds / 60))
    return door.words("%(n)s h", n=round(seconds / 3600))
