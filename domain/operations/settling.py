"""What follows from what people bought or did, for the people it concerns: tiers, points, and what else is derived."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from domain.operations import accessing, missions, pointing, tiering


def settle(session: Session, member_ids: Collection[int], *, is_history: bool = False, now: datetime) -> None:
    """Brings what is derived from these people's orders and visits up to `now`; safe to repeat.

    `is_history`: what moved them came from a file, so nobody is told and nothing begins.
    """
    tiering.settle(session, member_ids, is_history=is_history, now=now)
    pointing.settle(session, member_ids, is_history=is_history, now=now)
    accessing.settle(session, member_ids, is_history=is_history, now=now)
    missions.settle(session, member_ids, is_history=is_history, now=now)
