"""Points in somebody's hands, and a brand that has points."""

from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.operations import pointing
from domain.reports.points import differing
from models.member import Member
from models.points import PointLine, PointLot
from models.programme import the_brand

numbers = count(1)
MEMBER_DAY = {"key": "member_day", "times": 2, "on": {"month_days": [18]}, "tiers": ["gold", "black"]}


def have_points(session: Session, **terms: Any) -> None:
    """The brand gives a point for each hundred, twice that to gold on the 18th; `terms` say otherwise."""
    the_brand(session).points = {"since": "2020-01-01", "per": 100, "times": [MEMBER_DAY], **terms}
    session.flush()


def put_points(session: Session, member: Member, points: int, *, at: datetime, **fields: Any) -> PointLine:
    """Points from nowhere, as a line of the ledger, with the lots that follow."""
    line = PointLine(
        **{"member_id": member.id, "points": points, "reason": "granted", "at": at, "usable_at": at,
           "cause": f"test:{next(numbers)}", **fields}
    )  # fmt: skip
    session.add(line)
    pointing.put_in_step(session, [member.id], now=at)
    return line


def lines_of(session: Session, member: Member) -> list[tuple[str, int]]:
    """The ledger in the order of its own time: reason and points."""
    mine = select(PointLine.reason, PointLine.points).where(PointLine.member_id == member.id)
    return [(reason, points) for reason, points in session.execute(mine.order_by(PointLine.at, PointLine.id))]


def lots_of(session: Session, member: Member) -> list[tuple[int, int, Any, Any]]:
    """What is left, lot by lot."""
    columns = (PointLot.line_id, PointLot.remaining, PointLot.usable_at, PointLot.expires_at)
    mine = select(*columns).where(PointLot.member_id == member.id).order_by(PointLot.line_id)
    return [tuple(row) for row in session.execute(mine)]


def worth(session: Session, member: Member) -> int:
    """The balance as the lines have it; asserts that the lots have the same (I11)."""
    assert differing(session) == []
    return session.scalar(select(func.sum(PointLine.points)).where(PointLine.member_id == member.id)) or 0
