"""Campaigns between the marketer and the sender: freezes those due, settles what was sent (called by the worker)."""

from domain.operations import freezing
from door import Service
from line.closing import finish_campaigns, has_open_ends, withhold_stopped
from line.settling import settle
from models.clock import machine_now


def step(service: Service) -> int:
    """One campaign's next piece, and the people of some chunks that are done; returns how much was found."""
    return freeze(service) + settle_some(service)


def freeze(service: Service) -> int:
    """Does one campaign's next piece, in a transaction of its own; returns how many it moved."""
    # Looked at without the write lock first: most looks find nothing to do.
    with service.sessions.reading() as session:
        waiting = freezing.due(session, now=service.clock.now(session))
    moved = 0
    for campaign_id in waiting[:1]:
        with service.sessions.writing() as session:
            moved += freezing.step(session, campaign_id, now=service.clock.now(session))
            session.commit()
    return moved


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
