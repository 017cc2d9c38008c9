"""The whole file: which sections there are, reading it, and what only all of it together can tell."""

from typing import Any, get_args

from pydantic import ValidationError

from domain.operations.programme.sections._rules import check_rule
from domain.operations.programme.sections._section import Listed, Shape, Single
from domain.operations.programme.sections._words import wrong
from domain.operations.programme.sections.automations import Automation
from domain.operations.programme.sections.brand import Brand
from domain.operations.programme.sections.coupons import Coupon
from domain.operations.programme.sections.draws import Draw
from domain.operations.programme.sections.entry_sources import EntrySource
from domain.operations.programme.sections.forms import Form
from domain.operations.programme.sections.keyword_answers import KeywordAnswer
from domain.operations.programme.sections.missions import Mission
from domain.operations.programme.sections.points import Points
from domain.operations.programme.sections.segments import Segment
from domain.operations.programme.sections.shelf import Shelf
from domain.operations.programme.sections.stores import Store
from domain.operations.programme.sections.tags import Tag
from domain.operations.programme.sections.tiers import Tier


class Programme(Shape):
    """The sections in the order in which they are written to the file and to the tables.

    One that stands once is a Single, the others are lists of Listed; nothing else is to be said elsewhere.
    """

    brand: Brand
    stores: list[Store] = []
    tiers: list[Tier] = []
    points: Points = Points()
    shelf: Shelf = Shelf()
    tags: list[Tag] = []
    segments: list[Segment] = []
    coupons: list[Coupon] = []
    forms: list[Form] = []
    keyword_answers: list[KeywordAnswer] = []
    entry_sources: list[EntrySource] = []
    draws: list[Draw] = []
    missions: list[Mission] = []
    automations: list[Automation] = []

    def keys(self, section: str) -> set[str]:
        """The keys of what the file says in `section`."""
        return {item.key for item in self.items(section)}

    def items(self, section: str) -> list[Any]:
        """What the file says in a listed section."""
        found: list[Any] = getattr(self, section)
        return found


LISTED: dict[str, type[Listed]] = {
    name: get_args(field.annotation)[0]
    for name, field in Programme.model_fields.items()
    if get_args(field.annotation) and issubclass(get_args(field.annotation)[0], Listed)
}
SINGLE: dict[str, type[Single]] = {
    name: field.annotation
    for name, field in Programme.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, Single)
}


def read(data: Any) -> Programme:
    """A parsed file as a programme. Raises Invalid saying where it is wrong and why; nothing is changed."""
    try:
        programme = Programme.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        wrong(where, first["msg"].removeprefix("Value error, "))
    _check_whole(programme)
    return programme


def _check_whole(programme: Programme) -> None:
    """What no single section can see: keys said twice, tiers that do not rise, actions naming what is not there."""
    for name in SINGLE:
        getattr(programme, name).check(name, programme)
    for section, shape in LISTED.items():
        items = programme.items(section)
        keys = [item.key for item in items]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice:
            wrong(f"{section}.{twice}", "the key stands twice")
        shape.check_all(items, programme)
        for item in items:
            where = f"{section}.{item.key}"
            check_rule(f"{where}.rule", getattr(item, "rule", None), programme)
            item.check(where, programme)
