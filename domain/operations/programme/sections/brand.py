"""`brand:` how the brand looks, when it may speak, and by what it reckons."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from domain.operations.programme.sections._section import Shape, Single
from domain.operations.programme.sections._words import Clock, Colour, Key, Texts


class Site(Shape):
    """A site of the shop's own: pages of these addresses may report what is looked at (docs: /t.js)."""

    key: Key
    origins: list[str] = Field(min_length=1)

    @field_validator("origins")
    @classmethod
    def _plain(cls, value: list[str]) -> list[str]:
        for each in value:
            parts = urlsplit(each)
            if parts.scheme not in {"http", "https"} or not parts.netloc or each != f"{parts.scheme}://{parts.netloc}":
                raise ValueError(f"{each!r} is not an origin such as https://shop.example")
        return [each.lower() for each in value]


class Brand(Single):
    name: str
    colour: Colour = "#2f4b3c"
    logo_url: str | None = None
    default_language: Literal["zh-Hant", "ja", "th", "en"] = "zh-Hant"
    quiet_from: Clock = "21:00"
    quiet_until: Clock = "09:00"
    weekly_cap: int | None = Field(3, ge=1)
    holdout_percent: int = Field(10, ge=0, le=50)
    needs_second_person: bool = False
    message_price: float = Field(0.2, ge=0)
    tiers_by: Literal["spend", "visits"] = "spend"
    tiers_fall: Literal["earned", "one_step"] = "earned"
    rfm_by: Literal["fixed", "quintiles"] = "fixed"
    napl_by: Literal["activity", "purchases"] = "activity"
    margin_percent: int = Field(100, ge=0, le=100)
    point_cost: float = Field(0.0, ge=0)
    sites: list[Site] = []
    wording: dict[str, Texts] = {}
