"""When an automation begins for somebody: one file per kind of moment.

Each file says, as one query, who crossed the moment in a window of time, why (`cause`, which makes it
happen once) and which facts show it. A trigger never looks at who may be spoken to; that comes later.
"""

import pkgutil
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.orm import Session

from domain.calendar import Calendar


class Params(BaseModel):
    """What a trigger is told by the programme; unknown words are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Window:
    """Moments after `since` and up to `now`: what was crossed since the last good run, for one automation."""

    since: datetime
    now: datetime
    calendar: Calendar
    automation_id: int | None = None


@dataclass(frozen=True)
class Entry:
    """One person who crossed the moment `at`, from which the wait counts."""

    member_id: int
    cause: str
    at: datetime
    evidence: dict[str, Any]


@cache
def kinds() -> dict[str, ModuleType]:
    """Every trigger of the folder, by name."""
    names = [found.name for found in pkgutil.iter_modules(__path__) if not found.name.startswith("_")]
    return {name: import_module(f"{__name__}.{name}") for name in names}


def parse(trigger: dict[str, Any]) -> tuple[ModuleType, Params]:
    """The file and parameters of {"on": name, …}. Raises ValueError saying what is wrong."""
    rest = dict(trigger)
    name = rest.pop("on", None)
    if name not in kinds():
        raise ValueError(f"no trigger {name!r}; there are: {', '.join(sorted(kinds()))}")
    try:
        params: Params = kinds()[name].Params.model_validate(rest)
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"trigger {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return kinds()[name], params


def entries(session: Session, trigger: dict[str, Any], window: Window) -> list[Entry]:
    """Who crossed the trigger's moment in the window."""
    module, params = parse(trigger)
    found: list[Entry] = module.entries(session, params, window)
    return found


def words(trigger: dict[str, Any], language: str) -> str:
    """The trigger as a clause of a sentence."""
    module, params = parse(trigger)
    said: str = module.words(params, language)
    return said
