"""`tiers:` the ladder, from what everyone has to what takes most."""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import Field
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.money import to_minor
from domain.operations.programme.sections._section import Listed, Touch, Whole
from domain.operations.programme.sections._words import Colour, Lines, Texts, wrong
from domain.scores import _standing
from domain.wording import mark
from models import programme
from models.member import Member
from models.programme import the_brand


class Tier(Listed):
    table = programme.Tier
    order = "rank"
    money = ("threshold",)

    name: Texts
    threshold: Decimal = Field(Decimal(0), ge=0)
    colour: Colour | None = None
    benefits: Lines = {}

    @classmethod
    def check_all(cls, items: Sequence[Any], whole: Whole) -> None:
        thresholds = [tier.threshold for tier in items]
        if thresholds and (thresholds[0] != 0 or thresholds != sorted(set(thresholds))):
            wrong("tiers", "thresholds start at 0 and rise from tier to tier")

    @classmethod
    def touches(cls, session: Session, row: Any, item: Any, changed: Collection[str], *, now: datetime) -> list[Touch]:
        if item is None or (row is not None and "threshold" not in changed) or not item.threshold:
            return []
        return [
            Touch(mark("%(n)s people below it have reached it and rise."), {"n": _rise(session, row, item, now=now)}),
            Touch(mark("Whoever stands on it keeps it to the end of their period."), {}),
        ][: 1 if row is None else 2]

    @classmethod
    def retire(cls, session: Session, row: Any, *, now: datetime) -> None:
        """Whoever stands on it keeps it to the end of their period; one that nobody ever stood on is gone."""
        row.archived_at = now
        stood = select(programme.TierLine.id).where(_of(row)).limit(1)
        stands = select(Member.id).where(Member.tier_id == row.id).limit(1)
        if session.scalar(stood) is None and session.scalar(stands) is None:
            session.delete(row)

    @classmethod
    def before_new(cls, session: Session, row: Any, *, now: datetime) -> None:
        row.rank = 1_000 + session.scalars(select(func.count()).select_from(programme.Tier)).one()  # put in order below

    @classmethod
    def settled(cls, session: Session, items: Sequence[Any], *, now: datetime) -> None:
        _put_in_order(session)


def _of(tier: programme.Tier) -> ColumnElement[bool]:
    line = programme.TierLine
    return or_(line.tier_id == tier.id, line.from_tier_id == tier.id)


def _rise(session: Session, row: Any, item: Tier, *, now: datetime) -> int:
    """Members who stand below the tier, as it stands or would, and reach its new threshold today."""
    brand, standing = the_brand(session), programme.Tier
    least = to_minor(str(item.threshold), brand.currency)[0]
    rank = row.rank if row is not None else _place(session, least)
    sums = _standing.counted(brand.tiers_by, calendar_of(session).day_of(now), currency=brand.currency)
    below = (
        select(func.count())
        .select_from(Member)
        .join(sums, sums.c.member_id == Member.id)
        .outerjoin(standing, standing.id == Member.tier_id)
        .where(Member.registered_at.is_not(None), sums.c.counted >= least, func.coalesce(standing.rank, 0) < rank)
    )
    return session.scalars(below).one()


def _place(session: Session, least: int) -> int:
    """The rank a new tier would take: above all that take less."""
    return session.scalars(select(func.count()).where(programme.Tier.threshold < least)).one()


def _put_in_order(session: Session) -> None:
    """Ranks follow the thresholds, and of two alike the archived one is above; ranks are unique at every moment."""
    tiers = session.scalars(select(programme.Tier))
    rows = sorted(tiers, key=lambda row: (row.threshold, row.archived_at is not None, row.id))
    if [row.rank for row in rows] == list(range(len(rows))):
        return
    for offset in (10_000, 0):
        for n, row in enumerate(rows):
            row.rank = offset + n
        session.flush()
