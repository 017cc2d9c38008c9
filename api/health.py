"""GET /healthz, /readyz and /metrics: is the process alive, can it serve, and how far is everything behind."""

import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, json, request
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

import door
from api.figures import Figures
from domain.errors import Invalid, NotSignedIn
from domain.reports import health as wellbeing
from domain.wording import mark
from models import revisions
from models.clock import machine_now

health = Blueprint("health", __name__)


class NotReady(Exception):
    """One part is not well; says which in plain words."""


@health.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    return Response("ok\n", mimetype="text/plain")


@health.get("/readyz")
def readyz() -> Response:
    """The database answers, has this version's tables, and nothing waits too long.

    `?only=database,migrations` asks for some parts: what a load balancer wants to know, since a host
    whose workers are behind must still take what LINE sends.
    """
    asked = request.args.get("only", ",".join(PARTS)).split(",")
    if unknown := [part for part in asked if part not in PARTS]:
        raise Invalid(mark("There is no part %(part)s. Ask for database, migrations or lag."), part=unknown[0])
    said = {part: _look(part) for part in asked}
    failing = [f"{part}: {words}" for part, (is_well, words) in said.items() if not is_well]
    parts = {part: words for part, (_, words) in said.items()}
    if failing:
        return door.problem_of(503, "not_ready", "; ".join(failing), parts=parts)
    return Response(json.dumps({"status": "ready", "parts": parts}) + "\n", mimetype="application/json")


def _look(part: str) -> tuple[bool, Any]:
    try:
        return True, PARTS[part]()
    except NotReady as not_ready:
        return False, str(not_ready)
    except (SQLAlchemyError, LookupError) as error:
        door.session().rollback()
        return False, f"could not be asked ({type(error).__name__}); is the database there and was `flask migrate` run?"


def _database() -> str:
    door.session().execute(select(1))
    return "answers"


def _migrations() -> str:
    """At the newest step, or beyond it: while a newer version is being rolled out, this one goes on serving."""
    applied, newest = revisions.applied(door.session()), revisions.newest()
    if applied != newest and applied in revisions.known() | {None}:
        raise NotReady(f"the database is at {applied or 'nothing'} and needs {newest}: run `flask migrate`")
    return f"at {applied}" if applied == newest else f"at {applied}, which is newer than this version's {newest}"


def _lag() -> dict[str, float]:
    session = door.session()
    behind = wellbeing.lags(session, now=door.now(), machine=machine_now(session))
    inbox, letters = (round(each / timedelta(seconds=1), 1) for each in (behind.inbox, behind.letters))
    bounds = {"inbox": wellbeing.INBOX_BOUND.seconds, "outbox": wellbeing.LETTERS_BOUND.seconds}
    found = {"inbox": inbox, "outbox": letters}
    if over := behind.over():
        raise NotReady(", ".join(f"{each} is {found[each]:.0f} s behind, at most {bounds[each]} s" for each in over))
    return {f"{name}_seconds": seconds for name, seconds in found.items()} | {
        f"{name}_at_most": bound for name, bound in bounds.items()
    }


PARTS: dict[str, Callable[[], Any]] = {"database": _database, "migrations": _migrations, "lag": _lag}


@health.get("/metrics")
def metrics() -> Response:
    """For Prometheus; closed unless METRICS_KEY is set and sent as the bearer key."""
    expected, given = door.service().metrics_key, request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not expected or not hmac.compare_digest(given.encode(), expected.encode()):
        raise NotSignedIn(mark("The figures are closed. Set METRICS_KEY and send it as the bearer key."))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Figures(door.session(), door.now(), version=door.service().extra.get("version", "")))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
