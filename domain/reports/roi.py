"""What a message earned by group of people: extra margin against what it cost (feature M34).

Groups are those people stood in at the end of the month before they were due: where they stand now is partly the
message's own doing.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.metrics._shape import Rows
from domain.money import whole
from domain.reports.effect import Arm, Effect, people_due
from models.automation import Automation
from models.benefit import Coupon, CouponClaim
from models.campaign import Campaign, Recipient
from models.packing import People, unpack_layers
from models.points import PointLine
from models.programme import the_brand
from models.score import Snapshot

READ_AT_ONCE = 20_000
UNKNOWN = "-"


@dataclass
class Sums:
    """An arm of a group, while it is added up."""

    n: int = 0
    bought: int = 0
    amount: float = 0.0
    squares: float = 0.0

    def add(self, amount: int) -> None:
        self.n += 1
        self.bought += amount > 0
        self.amount += amount
        self.squares += amount * amount


@dataclass
class Group:
    """A group: both arms, its people who were meant to get it, and what they cost (minor units)."""

    sent: Sums = field(default_factory=Sums)
    held: Sums = field(default_factory=Sums)
    cost: float = 0.0

    @property
    def effect(self) -> Effect:
        return Effect(*(Arm(each.n, each.bought, each.amount, each.squares) for each in (self.sent, self.held)))


def returns(session: Session, subject: str, *, now: datetime) -> dict[str, Group]:
    """By RFM group, and under "" all together."""
    groups: dict[str, Group] = defaultdict(Group)
    costs = _costs(session, subject)
    for member_id, arm, name, amount in _placed(session, subject, now=now):
        for each in ("", name):
            group = groups[each]
            (group.sent if arm == "sent" else group.held).add(amount)
            if arm == "sent":
                group.cost += costs.get(member_id, 0.0)
    return dict(groups)


def people_in(session: Session, subject: str, group: str, arm: str, *, now: datetime) -> People:
    """Whom a group of an arm counts."""
    placed = _placed(session, subject, now=now)
    return People(member_id for member_id, side, name, _ in placed if side == arm and group in ("", name))


def _placed(session: Session, subject: str, *, now: datetime) -> Iterator[tuple[int, str, str, int]]:
    """(member_id, arm, group, amount) of everyone whose days have passed."""
    where, calendar = _Standing(session), calendar_of(session)
    rows = people_due(session, subject, now=now).execution_options(yield_per=READ_AT_ONCE)
    for member_id, arm, at, pending, amount in session.execute(rows):
        if not pending:
            yield member_id, arm, where(member_id, calendar.day_of(at)), int(amount)


class _Standing:
    """In which RFM group somebody stood at the last month's end before a day."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.months: dict[str, list[tuple[str, People]]] = {}

    def __call__(self, member_id: int, day: date) -> str:
        month = str(Month.of(day).plus(-1))
        if month not in self.months:
            query = select(Snapshot.value, Snapshot.ids).where(Snapshot.dimension == "rfm", Snapshot.month == month)
            self.months[month] = [(value, unpack_layers(ids)[0]) for value, ids in self.session.execute(query) if ids]
        return next((value for value, ids in self.months[month] if member_id in ids), UNKNOWN)


def _costs(session: Session, subject: str) -> dict[int, float]:
    """What each person cost: messages, coupons used and points given, in minor units."""
    brand = the_brand(session)
    message = whole(1, brand.currency) * brand.message_price
    point = whole(1, brand.currency) * brand.point_cost
    spent: dict[int, float] = defaultdict(float)
    for member_id, n in session.execute(_messages(subject)):
        spent[member_id] += n * message
    if subject.startswith("automation:"):
        for member_id, cost in session.execute(_coupons(subject)):
            spent[member_id] += float(cost)
        for member_id, points in session.execute(_points(subject)):
            spent[member_id] += float(points) * point
    return spent


def _messages(subject: str) -> Rows:
    kind, _, key = subject.partition(":")
    mine = Campaign.ref == key
    if kind == "automation":
        mine = Campaign.id == select(Automation.campaign_id).where(Automation.key == key).scalar_subquery()
    return (
        select(Recipient.member_id, func.count())
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(mine, Recipient.state == "sent")
        .group_by(Recipient.member_id)
    )


def _coupons(subject: str) -> Rows:
    value = case((Coupon.kind == "amount_off", Coupon.value), else_=0)
    return (
        select(CouponClaim.member_id, func.sum(func.coalesce(Coupon.cost, value)))
        .join(Coupon, Coupon.id == CouponClaim.coupon_id)
        .where(CouponClaim.cause.startswith(f"{subject}:", autoescape=True), CouponClaim.redeemed_at.is_not(None))
        .group_by(CouponClaim.member_id)
    )


def _points(subject: str) -> Rows:
    return (
        select(PointLine.member_id, func.sum(PointLine.points))
        .where(PointLine.cause.startswith(f"{subject}:", autoescape=True))
        .group_by(PointLine.member_id)
    )
