"""Freezes and starts campaigns that are approved and due (called by the worker, not the timetable)."""

from domain.operations import freezing
from door import Service


def step(service: Service) -> int:
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
