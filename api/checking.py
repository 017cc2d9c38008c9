"""How a file would be read: its first lines as ours, and what would be refused. Nothing is written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from api.importing import Importer, opened, without_particulars
from api.mapping import Map
from api.parsing import EVENT_FIELDS, MEMBER_COLUMNS, PURCHASE_COLUMNS
from api.reading import Ranks, SourceLine, open_file
from domain.errors import Invalid
from domain.wording import say
from models.session import Sessions

SHOWN = 10
OURS = {"members": MEMBER_COLUMNS, "purchases": PURCHASE_COLUMNS, "events": EVENT_FIELDS}


@dataclass(frozen=True)
class Understood:
    """A line as it would be read."""

    number: int
    fields: Mapping[str, str]


@dataclass(frozen=True)
class Refused:
    """A line that would not be loaded, and why."""

    number: int
    reason: str
    text: str


@dataclass
class Check:
    """What a look at a file found; `is_whole`: all of it was looked at."""

    columns: tuple[str, ...] = ()
    shown: list[Understood] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    lines: int = 0
    good: int = 0
    is_whole: bool = True


def check(
    sessions: Sessions, what: str, path: Path, chosen: Map, *, language: str = "en", limit: int | None = None,
    now: datetime,
) -> Check:  # fmt: skip
    """Reads up to `limit` lines as the import would. Raises Invalid when the file cannot be read at all.

    What only the tables can tell (whom a reference names, what is known already) is not asked here.
    """
    found = Check()
    importer = Importer(sessions, what, path, chosen, path, now, language)
    with open_file(path, chosen.encodings) as file:
        _, lines, translate = opened(file, what, chosen, Ranks())
        load = importer.loader(importer.parser())
        for line in islice(lines, limit):
            found.lines += 1
            try:
                if line.problem:
                    raise line.problem
                several = translate(line)
                for fields in several:
                    load.parse(fields)
            except Invalid as refusal:
                _refuse(found, line, refusal, language)
                continue
            found.good += 1
            if found.good <= SHOWN:
                found.shown += [Understood(line.number, {k: _text(v) for k, v in each.items()}) for each in several]
        found.is_whole = next(lines, None) is None
    used = {name for each in found.shown for name, value in each.fields.items() if value}
    known = tuple(name for name in OURS[what] if name in used)
    found.columns = (*known, *sorted(used - {*known}))
    return found


def _refuse(found: Check, line: SourceLine, refusal: Invalid, language: str) -> None:
    found.reasons[without_particulars(refusal, language)] += 1
    if len(found.refused) < SHOWN:
        reason = say(language, refusal.message, **refusal.values)
        cells = " · ".join(str(each) for each in line.fields.values())
        found.refused.append(Refused(line.number, reason, cells[:300]))


def _text(value: Any) -> str:
    return "" if value is None else str(value)
