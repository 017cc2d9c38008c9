"""Campaigns between the marketer and the sender: freezes those due, settles what was sent (called by the worker)."""

import time

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from domain.operations import freezing
from door import Service
from line.closing import finish_campaigns, has_open_ends, withhold_stopped
from line.settling import settle
from models.clock import machine_now

log = structlog.get_logger()
RESTS, RESTS_BRIEFLY = 60.0, 2.0  # seconds after a failure: the campaign's own, and one that may be the database's
DATABASES = (OperationalError, InterfaceError, PoolTimeout)


def step(service: Service) -> int:
    """One campaign's next piece, and the people of some chunks that are done; returns how much was found."""
    try:
        moved = freeze(service)
    finally:
        settled = settle_some(service)
    return moved + settled


def freeze(service: Service) -> int:
    """Does one campaign's next piece, in a transaction of its own; returns how many it moved.

    One that fails rests for a while and stops no other.
    """
    resting: dict[int, float] = service.extra.setdefault("campaigns_resting", {})
    # Looked at without the write lock first: most looks find nothing to do.
    with service.sessions.reading() as session:
        waiting = freezing.due(session, now=service.clock.now(session))
    for campaign_id in waiting:
        if resting.get(campaign_id, 0.0) > time.monotonic():
            continue
        try:
            moved = _freeze(service, campaign_id)
        except Exception as error:
            log.exception("campaign could not be frozen", campaign_id=campaign_id)
            is_databases = isinstance(error, DATABASES)
            resting[campaign_id] = time.monotonic() + (RESTS_BRIEFLY if is_databases else RESTS)
            if not is_databases:
                _say_so(service, campaign_id)
            continue
        if moved:
            return 1
    return 0


def _freeze(service: Service, campaign_id: int) -> bool:
    with service.sessions.writing() as session:
        moved = freezing.step(session, campaign_id, now=service.clock.now(session))
        session.commit()
        return moved


def _say_so(service: Service, campaign_id: int) -> None:
    with service.sessions.writing() as session:
        freezing.note_failure(session, campaign_id)
        session.commit()


def settle_some(service: Service) -> int:
    """Brings people in step with chunks that are done, and campaigns with their people; returns how many chunks."""
    with service.sessions.reading() as session:
        if not has_open_ends(session):
            return 0
    with service.sessions.writing() as session:
        now = service.clock.now(session)
        withhold_stopped(session, machine_now(session))
        settled = settle(session, now)
        finish_campaigns(session, now)
        session.commit()
    return settled
