"""`shelf:` what reports must know of goods: what is none, what is a bundle, and what is new since when."""

from datetime import date
from typing import Any

from domain.operations.programme.sections._section import Single, Whole
from domain.operations.programme.sections._words import wrong
from models.programme import Brand


class Shelf(Single):
    """Each word is a sku or a category; launches are skus with the day each came."""

    non_goods: list[str] = []
    bundles: list[str] = []
    launches: dict[str, date] = {}

    @classmethod
    def from_brand(cls, brand: Brand) -> dict[str, Any]:
        return cls.model_validate(brand.shelf or {}).model_dump()

    def to_brand(self, brand: Brand) -> None:
        brand.shelf = self.model_dump(mode="json", exclude_defaults=True)

    def check(self, where: str, whole: Whole) -> None:
        both = sorted(set(self.non_goods) & {*self.bundles, *self.launches})
        if both:
            wrong(f"{where}.non_goods", f"{both[0]!r} is called goods further down")
