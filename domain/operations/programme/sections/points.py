"""`points:` what purchases earn: so many for each `per` currency units from a day on, multiplied on some days."""

from datetime import date
from typing import Any

from pydantic import Field, model_validator

from domain.operations.programme.sections._section import Shape, Single, Whole
from domain.operations.programme.sections._words import Key, Rule, wrong
from domain.scores._point_terms import CAUGHT_UP, Expiry, On
from models.programme import Brand


class Times(Shape):
    """A multiplier: the days it holds on, the tiers and the rule it is for. Of several the highest applies."""

    key: Key
    times: float = Field(gt=1, le=100)
    on: On = On()
    tiers: list[Key] = []
    rule: Rule = None


class Points(Single):
    """Without `per` the brand has no points for purchases."""

    per: int | None = Field(None, ge=1)
    since: date | None = None
    points: int = Field(1, ge=1)
    pending_days: int = Field(7, ge=0, le=365)
    expire: Expiry = "end_of_next_year"
    expire_days: int | None = Field(None, ge=1)
    times: list[Times] = []

    @model_validator(mode="after")
    def _whole(self) -> "Points":
        if (self.per is None) != (self.since is None):
            raise ValueError("say both: per (how many currency units earn) and since (the first day that earns)")
        if self.per is None and self.model_dump(exclude_defaults=True):
            raise ValueError("say per and since, or leave the whole section out")
        return self

    @classmethod
    def from_brand(cls, brand: Brand) -> dict[str, Any]:
        said = {name: value for name, value in (brand.points or {}).items() if name in cls.model_fields}
        return cls.model_validate(said).model_dump()

    def to_brand(self, brand: Brand) -> None:
        """Orders from an earlier day on than before are caught up with by the night."""
        said = self.model_dump(mode="json", exclude_none=True) if self.per else {}
        known = (brand.points or {}).get(CAUGHT_UP)
        if said and known and known <= said["since"]:
            said[CAUGHT_UP] = known
        brand.points = said

    def check(self, where: str, whole: Whole) -> None:
        keys = [each.key for each in self.times]
        for each in self.times:
            if keys.count(each.key) > 1:
                wrong(f"{where}.times.{each.key}", "the key stands twice")
