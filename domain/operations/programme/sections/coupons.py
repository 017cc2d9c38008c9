"""`coupons:` offers and their terms. Each claim keeps the terms it was issued under."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field
from sqlalchemy.orm import Session

from domain.operations.programme.sections._section import Listed, Shape, Whole
from domain.operations.programme.sections._words import Key, Rule, Texts, wrong
from models import benefit

# Who has a claim keeps the version of these that they were given.
KEPT_BY_CLAIMS = (
    "title", "terms", "kind", "value", "min_spend", "valid_days", "use_from", "use_until", "valid_to", "weekdays",
    "stores", "use_rule",
)  # fmt: skip


class Early(Shape):
    """Whom claiming opens for sooner, and by how much."""

    rule: Rule
    hours: int = Field(ge=1)


class Coupon(Listed):
    table = benefit.Coupon
    versioned = (KEPT_BY_CLAIMS, "terms_version")

    title: Texts
    terms: Texts = {}
    kind: Literal["amount_off", "percent_off", "gift"] = "amount_off"
    value: Decimal = Field(Decimal(0), ge=0)
    min_spend: Decimal = Field(Decimal(0), ge=0)
    claimable: bool = True
    rule: Rule = None
    claim_from: datetime | None = None
    claim_until: datetime | None = None
    valid_days: int | None = Field(None, ge=0)
    use_until: datetime | None = None
    valid_to: Literal["month_end"] | None = None
    stock: int | None = Field(None, ge=0)
    per_person: int = Field(1, ge=1)
    use_from: datetime | None = None
    weekdays: list[Annotated[int, Field(ge=1, le=7)]] = []
    stores: list[Key] = []
    use_rule: Rule = None
    early: list[Early] = []
    cost: Decimal | None = Field(None, ge=0)
    has_codes: bool = False

    @classmethod
    def money_of(cls, values: Mapping[str, Any]) -> Collection[str]:
        """A percentage is no amount of money."""
        amounts = [name for name in ("min_spend", "cost") if values.get(name) is not None]
        return [*amounts, "value"] if values.get("kind") == "amount_off" else amounts

    def to_columns(self, session: Session) -> dict[str, Any]:
        values = self.model_dump()
        return values if self.kind == "amount_off" else {**values, "value": int(self.value)}

    def check(self, where: str, whole: Whole) -> None:
        unknown = next((key for key in self.stores if key not in whole.keys("stores")), None)
        if unknown:
            wrong(where, f"there is no store {unknown!r}")
        if self.early and self.claim_from is None:
            wrong(where, "say when claiming opens (claim_from) if it opens sooner for some")
