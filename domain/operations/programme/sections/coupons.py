"""`coupons:` offers and their terms. Each claim keeps the terms it was issued under."""

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field
from sqlalchemy.orm import Session

from domain.operations.programme.sections._section import Listed
from domain.operations.programme.sections._words import Rule, Texts
from models import benefit


class Coupon(Listed):
    table = benefit.Coupon
    versioned = (("terms",), "terms_version")

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

    @classmethod
    def money_of(cls, values: Mapping[str, Any]) -> Collection[str]:
        """A percentage is no amount of money."""
        return ("min_spend", "value") if values.get("kind") == "amount_off" else ("min_spend",)

    def to_columns(self, session: Session) -> dict[str, Any]:
        values = self.model_dump()
        return values if self.kind == "amount_off" else {**values, "value": int(self.value)}
