"""`tags:` words about people, given by a rule, by hand or by an action."""

from typing import Literal

from pydantic import Field

from domain.operations.programme.sections._section import Listed
from domain.operations.programme.sections._words import Rule, Texts
from models import programme


class Tag(Listed):
    table = programme.Tag
    versioned = (("rule",), "rule_version")

    name: Texts
    kind: Literal["interest", "behaviour", "preference", "need", "life_stage", "value", "profile", "system"] = (
        "behaviour"
    )
    counts_for_coverage: bool = True
    life_days: int | None = Field(None, ge=1)
    rule: Rule = None
