"""Points in people's hands: one person's balance, and for everyone what the brand owes and until when."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select, union_all
from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.money import decimals_of
from domain.wording import mark, say
from models.arithmetic import local_day
from models.automation import JobRun
from models.points import PointLine, PointLot
from models.programme import the_brand

WITHOUT_END = "never"


@dataclass(frozen=True)
class Balance:
    """`usable` may be spent now and is below 0 while there is a debt; `pending` becomes usable later."""

    usable: int
    pending: int

    @property
    def total(self) -> int:
        return self.usable + self.pending


@dataclass(frozen=True)
class Ending:
    """So many points that end in one month (None: never), in so many people's hands; `cost` in minor units."""

    month: Month | None
    points: int
    people: int
    cost: int

    @property
    def key(self) -> str:
        return str(self.month) if self.month else WITHOUT_END


@dataclass(frozen=True)
class Liability:
    """What the brand owes in points, by the month they end in, and what people owe it (`debts`, below 0)."""

    endings: list[Ending]
    pending: int
    debts: int
    debtors: int

    @property
    def points(self) -> int:
        return sum(each.points for each in self.endings)

    @property
    def cost(self) -> int:
        return sum(each.cost for each in self.endings)


def is_live(now: datetime) -> ColumnElement[bool]:
    """Lots that have not run out; the night takes the others away."""
    return or_(PointLot.expires_at.is_(None), PointLot.expires_at >= now)


def balance_of(session: Session, member_id: int, *, now: datetime) -> Balance:
    """One person's points at `now`."""
    pending = PointLot.usable_at > now
    sums = select(
        func.coalesce(func.sum(case((pending, 0), else_=PointLot.remaining)), 0),
        func.coalesce(func.sum(case((pending, PointLot.remaining), else_=0)), 0),
    ).where(PointLot.member_id == member_id, is_live(now))
    usable, on_the_way = session.execute(sums).one()
    return Balance(int(usable), int(on_the_way))


def next_ending(session: Session, member_id: int, *, now: datetime) -> tuple[datetime, int] | None:
    """When a person's next points end, and how many do; None where none will."""
    query = (
        select(PointLot.expires_at, func.sum(PointLot.remaining))
        .where(PointLot.member_id == member_id, PointLot.expires_at >= now, PointLot.remaining > 0)
        .group_by(PointLot.expires_at)
        .order_by(PointLot.expires_at)
        .limit(1)
    )
    for ends_at, points in session.execute(query):
        assert ends_at is not None  # the query asks for it
        return ends_at, int(points)
    return None


LINE_WORDS = {
    "earned": mark("earned"),
    "granted": mark("given"),
    "spent": mark("used"),
    "returned": mark("use taken back"),
    "taken_back": mark("taken back for a refund"),
    "expired": mark("ran out"),
    "adjusted": mark("changed by staff"),
}


def latest(session: Session, member_id: int, *, limit: int = 12) -> list[PointLine]:
    """The newest lines of a person's ledger, those that moved nothing left out."""
    mine = select(PointLine).where(PointLine.member_id == member_id, PointLine.points != 0)
    return list(session.scalars(mine.order_by(PointLine.at.desc(), PointLine.id.desc()).limit(limit)))


def words(line: PointLine, language: str) -> str:
    """Why a line is there, with its multiplier or the words of staff."""
    times, why = line.evidence.get("times", 1), line.evidence.get("why")
    said = [f"× {times:g}"] if line.reason == "earned" and times != 1 else []
    more = "".join(f" ({each})" for each in [*said, *([why] if why else [])])
    return say(language, LINE_WORDS.get(line.reason, line.reason)) + more


def liability(session: Session, *, now: datetime) -> Liability:
    """Everyone's points by the month they end in, with what they cost the brand (`point_cost`)."""
    owed, count = func.coalesce(func.sum(PointLot.remaining), 0), func.count(PointLot.member_id.distinct())
    debts, debtors = session.execute(select(owed, count).where(PointLot.remaining < 0)).one()
    pending = session.scalar(select(owed).where(PointLot.remaining > 0, PointLot.usable_at > now, is_live(now)))
    return Liability(list(_endings(session, now=now)), int(pending or 0), int(debts), int(debtors))


def _endings(session: Session, *, now: datetime) -> Iterator[Ending]:
    for month in [*_months(session, now=now), None]:
        such = _ending_in(session, month, now=now)
        sums = select(func.coalesce(func.sum(PointLot.remaining), 0), func.count(PointLot.member_id.distinct()))
        points, people = session.execute(sums.where(*such)).one()
        if points:
            yield Ending(month, int(points), int(people), cost_of(session, int(points)))


def _months(session: Session, *, now: datetime) -> list[Month]:
    day = local_day(PointLot.expires_at, the_brand(session).business_timezone)
    days = select(day).where(PointLot.expires_at >= now, PointLot.remaining > 0).distinct()
    return sorted({Month.of(each) for each in session.scalars(days)}, key=lambda month: month.first)


def _ending_in(session: Session, month: Month | None, *, now: datetime) -> list[ColumnElement[bool]]:
    if month is None:
        return [PointLot.remaining > 0, PointLot.expires_at.is_(None)]
    first, after = calendar_of(session).month_bounds(month)
    return [PointLot.remaining > 0, PointLot.expires_at >= max(first, now), PointLot.expires_at < after]


def people_behind(session: Session, key: str, *, now: datetime) -> Select[Any]:
    """Ids of the people a figure counts: a month as `2027-12`, `never`, or `debt`. Raises ValueError for others."""
    if key == "debt":
        return select(PointLot.member_id).where(PointLot.remaining < 0).distinct()
    month = None if key == WITHOUT_END else Month.parse(key)
    return select(PointLot.member_id).where(*_ending_in(session, month, now=now)).distinct()


def differing(session: Session, only: Collection[int] | None = None) -> list[int]:
    """The proof (I11): ids of the people whose lots are worth something else than the lines of their ledger.

    One query over everybody, or over `only` these people.
    """
    lines = select(PointLine.member_id, PointLine.points.label("points"))
    lots = select(PointLot.member_id, -PointLot.remaining)
    if only is not None:
        lines, lots = lines.where(PointLine.member_id.in_(only)), lots.where(PointLot.member_id.in_(only))
    both = union_all(lines, lots).subquery()
    uneven = select(both.c.member_id).group_by(both.c.member_id).having(func.sum(both.c.points) != 0)
    return sorted(session.scalars(uneven))


def reported(session: Session) -> list[int]:
    """Whom the last proof found, as far as it still holds: a look at these people alone, for the mark on every page."""
    last = (
        select(JobRun.report).where(JobRun.job == "points", JobRun.state == "done").order_by(JobRun.id.desc()).limit(1)
    )
    found = (session.scalar(last) or {}).get("differ") or []
    return differing(session, only=found) if found else []


def cost_of(session: Session, points: int) -> int:
    """What so many points cost the brand, in minor units."""
    brand = the_brand(session)
    one: int = 10 ** decimals_of(brand.currency)
    return round(points * brand.point_cost * one)
