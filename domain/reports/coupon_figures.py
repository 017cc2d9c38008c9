"""How a coupon does: put before people, in their hands, used, ended, open; by store, segment and version of terms.

Used ÷ claimed counts only what is used or ended; what is open is still undecided (definitions §10).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, true, union
from sqlalchemy.orm import Session

from domain.metrics._intervals import Interval, wilson
from domain.metrics._people import counts
from domain.metrics.coupon_redemption import is_counted, is_open, is_used
from domain.rules import compile_rule, context_of
from models.benefit import Coupon, CouponClaim
from models.event import Event
from models.member import Member
from models.store import Store


@dataclass(frozen=True)
class Claims:
    """What became of the claims: used, ended unused, still open."""

    used: int = 0
    ended: int = 0
    open: int = 0

    @property
    def claimed(self) -> int:
        return self.used + self.ended + self.open

    @property
    def settled(self) -> int:
        return self.used + self.ended

    @property
    def rate(self) -> float | None:
        """Used of settled; None while nothing is settled."""
        return self.used / self.settled if self.settled else None

    @property
    def interval(self) -> Interval | None:
        return wilson(self.used, self.settled) if self.settled else None


@dataclass(frozen=True)
class Version:
    """One version of the terms: how many hold it unused now, and how many it was ever issued to."""

    number: int
    terms: dict[str, Any]
    held: int
    issued: int


def by_coupon(session: Session, *, now: datetime) -> dict[int, Claims]:
    """The claims of every coupon, by its id."""
    rows = session.execute(_counted(CouponClaim.coupon_id, now).group_by(CouponClaim.coupon_id))
    return {row[0]: Claims(*row[1:]) for row in rows}


def of_coupon(session: Session, coupon: Coupon, *, segment_rule: dict[str, Any] | None = None, now: datetime) -> Claims:
    """The claims of one coupon; with a rule, of the members it holds for now."""
    among = compile_rule(segment_rule, context_of(session, now)) if segment_rule is not None else true()
    row = session.execute(_counted(func.max(CouponClaim.coupon_id), now).where(_of(coupon), among)).one()
    return Claims(*(int(each or 0) for each in row[1:]))


def offered(session: Session, coupon: Coupon, *, now: datetime) -> int:
    """People it was put before: who opened it in the mini-app, and who was given it."""
    return session.scalar(select(func.count()).select_from(offered_people(coupon, now=now).subquery())) or 0


def offered_people(coupon: Coupon, *, now: datetime) -> Select[int]:
    """Ids of the people behind `offered`."""
    opened = select(Event.member_id.label("member_id")).where(
        Event.kind == "conversion_started", Event.object == f"coupon:{coupon.key}", Event.occurred_at <= now
    )
    both = union(_counting(opened, Event.member_id), claimed_people(coupon, now=now)).subquery()
    return select(both.c.member_id)


def claimed_people(coupon: Coupon, *, state: str = "claimed", now: datetime) -> Select[int]:
    """Ids of the people whose claim is `used`, `ended`, `open`, or any (`claimed`)."""
    which: dict[str, ColumnElement[bool]] = {
        "claimed": true(), "used": is_used(now), "open": is_open(now), "ended": ~is_used(now) & ~is_open(now),
    }  # fmt: skip
    claims = select(CouponClaim.member_id.label("member_id")).where(_of(coupon), is_counted(now), which[state])
    return _counting(claims, CouponClaim.member_id)


def by_store(session: Session, coupon: Coupon, *, now: datetime) -> list[tuple[str | None, int]]:
    """Where it was used, most first; None: where nobody said."""
    used = (
        select(Store.name, func.count(CouponClaim.id))
        .select_from(CouponClaim)
        .join(Member, Member.id == CouponClaim.member_id)
        .outerjoin(Store, Store.id == CouponClaim.store_id)
        .where(_of(coupon), is_counted(now), is_used(now))
        .group_by(Store.id, Store.name)
        .order_by(func.count(CouponClaim.id).desc(), Store.name)
    )
    return [(name, count) for name, count in session.execute(used)]


def versions(session: Session, coupon: Coupon, *, now: datetime) -> list[Version]:
    """Every version that is or was in somebody's hands, the newest first."""
    live = is_open(now) & CouponClaim.voided_at.is_(None)
    counted = (
        select(
            CouponClaim.terms_version, func.min(CouponClaim.id), func.sum(case((live, 1), else_=0)),
            func.count(CouponClaim.id),
        )
        .where(_of(coupon))
        .group_by(CouponClaim.terms_version)
        .order_by(CouponClaim.terms_version.desc())
    )  # fmt: skip
    rows = session.execute(counted).all()
    firsts = {row[1] for row in rows}
    terms: dict[int, dict[str, Any]] = dict(
        session.execute(select(CouponClaim.id, CouponClaim.terms).where(CouponClaim.id.in_(firsts))).all()
    )
    return [Version(number, terms[first], int(held), issued) for number, first, held, issued in rows]


def _of(coupon: Coupon) -> ColumnElement[bool]:
    return CouponClaim.coupon_id == coupon.id


def _counted(key: Any, now: datetime) -> Select[*tuple[Any, ...]]:
    def many(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.sum(case((condition, 1), else_=0))

    sums = [many(is_used(now)), many(~is_used(now) & ~is_open(now)), many(is_open(now))]
    return select(key, *sums).join(Member, Member.id == CouponClaim.member_id).where(is_counted(now))


def _counting(query: Select[Any], owner: Any) -> Select[Any]:
    return query.join(Member, Member.id == owner).where(counts())
