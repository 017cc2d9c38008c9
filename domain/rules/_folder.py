"""Finds the conditions: every file of this folder without an underscore."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic import Field as PydanticField
from sqlalchemy import ColumnElement, Select

from domain.rules._context import Names, RuleContext
from domain.wording import mark, say


class Params(BaseModel):
    """The parameters of a condition. Unknown ones are refused: a misspelt one must not widen a send."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def param(label: str, default: Any = ..., *, pick: str = "", **limits: Any) -> Any:
    """A parameter with its label (a msgid); `pick` says what the form offers to choose from."""
    return PydanticField(default, title=label, json_schema_extra={"pick": pick}, **limits)


class Speaker:
    """Says a condition's words in one language."""

    def __init__(self, language: str, names: Names) -> None:
        self.language, self.names = language, names

    def __call__(self, message: str, **values: Any) -> str:
        return say(self.language, message, **values)

    def named(self, kind: str, keys: str | list[str]) -> str:
        """One name, or several joined by "or"."""
        several = [self.names.of(kind, key) for key in ([keys] if isinstance(keys, str) else keys)]
        return self.listed(several)

    def listed(self, words: list[str]) -> str:
        return say(self.language, " or ").join(words)

    def within(self, days: int | None) -> str:
        """ " in the last 30 days", or nothing."""
        return say(self.language, " in the last %(n)s days", n=days) if days else ""

    def money(self, amount: int) -> str:
        return self.names.money(self.language, amount)


@dataclass(frozen=True)
class Field:
    """One field of a condition's form."""

    name: str
    label: str
    kind: str  # number | text | choice | choices | names
    pick: str
    choices: tuple[tuple[str, str], ...]  # value and msgid
    required: bool
    default: Any


@dataclass(frozen=True)
class Condition:
    """One file of this folder."""

    name: str
    title: str
    about: str
    group: str
    params: type[Params]
    where: Callable[[Any, RuleContext], ColumnElement[bool]]
    words: Callable[[Any, Speaker], str]
    words_not: Callable[[Any, Speaker], str] | None
    behind: Callable[[Any, RuleContext], Select[Any] | None] | None
    moved: Callable[..., list[Select[Any]]] | None  # domain/rules/_moving.py

    choice_words: dict[str, str]

    def fields(self) -> list[Field]:
        return [_field(name, info, self.choice_words) for name, info in self.params.model_fields.items()]


def _field(name: str, info: Any, choice_words: dict[str, str]) -> Field:
    bare = next((each for each in get_args(info.annotation) if each is not type(None)), info.annotation)
    bare = info.annotation if get_origin(info.annotation) in (Literal, list) else bare
    choices: tuple[str, ...] = ()
    kind = "number" if bare is int else "text"
    if get_origin(bare) is Literal:
        kind, choices = "choice", get_args(bare)
    elif get_origin(bare) is list:
        inner = get_args(bare)[0]
        kind, choices = ("choices", get_args(inner)) if get_origin(inner) is Literal else ("names", ())
    default = None if info.is_required() else info.get_default(call_default_factory=True)
    pick = (info.json_schema_extra or {}).get("pick", "")
    named = tuple((each, choice_words.get(each, each)) for each in choices)
    return Field(name, info.title or name, kind, pick, named, info.is_required(), default)


@lru_cache
def conditions() -> dict[str, Condition]:
    """Every condition by name, in the order of the builder's menu."""
    import domain.rules as folder

    found = [_load(each.name) for each in pkgutil.iter_modules(folder.__path__) if not each.name.startswith("_")]
    return {each.name: each for each in sorted(found, key=lambda each: (GROUPS.index(each.group), each.title))}


# What the builder calls the values that several conditions share.
CHOICE_WORDS = {
    "at_least": mark("at least"),
    "at_most": mark("at most"),
    "is": mark("is"),
    "contains": mark("contains"),
    "is_set": mark("is filled in"),
    "any": mark("any"),
}
GROUPS = (
    mark("Who they are"),
    mark("Tags and groups"),
    mark("Purchases"),
    mark("Visits and bookings"),
    mark("LINE and messages"),
    mark("What they did"),
)


def _load(name: str) -> Condition:
    module = importlib.import_module(f"domain.rules.{name}")
    title, _, about = (module.__doc__ or name).strip().partition("\n\n")
    return Condition(
        name=name, title=title.rstrip("."), about=" ".join(about.split()), group=module.GROUP,
        params=module.Params, where=module.where, words=module.words,
        words_not=getattr(module, "words_not", None), behind=getattr(module, "behind", None),
        moved=getattr(module, "moved", None),
        choice_words={**CHOICE_WORDS, **getattr(module, "CHOICE_WORDS", {})},
    )  # fmt: skip
