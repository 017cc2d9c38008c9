"""The words sections are made of: texts per language, rules, triggers, times of day, keys, colours."""

import re
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, Field

from domain import rules, triggers
from domain.calendar import parse_clock
from domain.errors import Invalid
from domain.wording import LANGUAGES, mark


def _texts(value: dict[str, str]) -> dict[str, str]:
    unknown = set(value) - set(LANGUAGES)
    if unknown:
        raise ValueError(f"no language {', '.join(sorted(unknown))}; there are: {', '.join(LANGUAGES)}")
    return value


def _rule(value: dict[str, Any] | None) -> dict[str, Any] | None:
    if value is not None:
        try:
            rules.validate(value)
        except Invalid as refusal:
            raise ValueError(str(refusal)) from None
    return value


def _trigger(value: dict[str, Any]) -> dict[str, Any]:
    triggers.parse(value)
    return value


def _clock(value: str) -> str:
    if not re.fullmatch(r"\d\d:\d\d", value):
        raise ValueError(f"{value!r} is not a time of day such as 09:00 (write it in quotes)")
    parse_clock(value)
    return value


def _lines(value: dict[str, list[str]]) -> dict[str, list[str]]:
    _texts(dict.fromkeys(value, ""))
    return value


Texts = Annotated[dict[str, str], AfterValidator(_texts)]
Lines = Annotated[dict[str, list[str]], AfterValidator(_lines)]
Rule = Annotated[dict[str, Any] | None, AfterValidator(_rule)]
Trigger = Annotated[dict[str, Any], AfterValidator(_trigger)]
Clock = Annotated[str, AfterValidator(_clock)]
INVALID = "invalid_programme"
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,62}$")]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


def wrong(where: str, why: str) -> NoReturn:
    """Refuses the file: `where` is a path into it, `why` a clause in plain words."""
    raise Invalid(
        mark("Nothing was applied: at %(where)s, %(why)s. Correct it and apply again."),
        code=INVALID, where=where, why=why,
    )  # fmt: skip
