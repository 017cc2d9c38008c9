"""On what terms purchases earn points: the programme's `points:` section, and what one order earns by it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.calendar import Calendar

CAUGHT_UP = "caught_up"  # kept beside the stored terms: from which day on every order has earned
Expiry = Literal["end_of_next_year", "end_of_year", "never"]


class On(BaseModel):
    """The local days a multiplier holds on; what is not said does not narrow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weekdays: list[int] = []  # 1 = Monday
    month_days: list[int] = []
    months: list[int] = []
    dates: list[date] = []

    def holds(self, day: date) -> bool:
        wanted = (
            (self.weekdays, day.isoweekday()),
            (self.month_days, day.day),
            (self.months, day.month),
            (self.dates, day),
        )
        return all(not several or one in several for several, one in wanted)


class Times(BaseModel):
    """More points on some days, for some tiers, for whom a rule holds. Of several the highest applies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    times: float = Field(gt=1, le=100)
    on: On = On()
    tiers: list[str] = []
    rule: dict[str, Any] | None = None


class Terms(BaseModel):
    """So many points for each `per` whole currency units of an order, from a day on.

    Usable `pending_days` after pick-up (or payment), until the end of the calendar year after the one they were
    earned in, or `expire_days` after they were earned.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    per: int = Field(100, ge=1)
    points: int = Field(1, ge=1)
    pending_days: int = Field(7, ge=0, le=365)
    expire: Expiry = "end_of_next_year"
    expire_days: int | None = Field(None, ge=1)
    since: date
    times: list[Times] = []

    def last_day(self, earned_on: date) -> date | None:
        """The last local day on which points earned on a day can be used; None: they never end."""
        if self.expire_days is not None:
            return date.fromordinal(earned_on.toordinal() + self.expire_days)
        years = {"end_of_year": 0, "end_of_next_year": 1}.get(self.expire)
        return None if years is None else date(earned_on.year + years, 12, 31)

    def highest(self, day: date, tier: str | None, holds: Collection[str]) -> Times | None:
        """The multiplier an order of this day and tier has; `holds` names those whose rule holds for its buyer."""
        such = [
            each
            for each in self.times
            if each.on.holds(day)
            and (not each.tiers or tier in each.tiers)
            and (each.rule is None or each.key in holds)
        ]
        return max(such, key=lambda each: each.times, default=None)


@dataclass(frozen=True, slots=True)
class Judged:
    """On what terms one order earns: decided once, when it is first seen, and kept on its line."""

    per: int
    points: int
    times: float = 1
    key: str | None = None

    def earned(self, gross: int, decimals: int) -> int:
        """Points for an amount in minor units: whole `per`s are counted, then multiplied."""
        units = gross // (self.per * 10**decimals)
        points = units * self.points
        return points if self.times == 1 else int(points * Fraction(str(self.times)))

    def evidence(self, gross: int) -> dict[str, Any]:
        said = {"net": gross, "per": self.per, "points": self.points, "times": self.times}
        return {**said, "rule": self.key} if self.key else said

    @classmethod
    def from_evidence(cls, evidence: Mapping[str, Any]) -> "Judged":
        return cls(evidence["per"], evidence["points"], evidence.get("times", 1), evidence.get("rule"))


def terms_from(stored: Mapping[str, Any]) -> Terms | None:
    """The terms as the brand's row keeps them; None where the brand has no points."""
    said = {name: value for name, value in stored.items() if name in Terms.model_fields}
    return Terms.model_validate(said) if stored else None


def ends(terms: Terms | None, earned_on: date, calendar: Calendar) -> datetime | None:
    """The last second in which points earned on a day can be used; None: without end."""
    last = (terms or Terms(since=earned_on)).last_day(earned_on)
    return calendar.last_second(last) if last else None
