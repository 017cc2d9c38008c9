"""`flask import`: a file in batches, each its own transaction; what is refused goes beside it with the reason.

Killed anywhere and run again, it ends the same, because every line says what makes it the same line.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from api.exporting import unescaped
from api.mapping import NEEDED, Map, Rank
from api.parsing import MEMBER_COLUMNS, PURCHASE_COLUMNS, Parser
from api.reading import FileReader, Ranks, SourceLine, open_file
from domain.errors import Invalid, Refusal
from domain.operations import settling
from domain.operations.auditing import audit
from domain.operations.importing_events import import_events, ranked
from domain.operations.importing_members import import_members
from domain.operations.importing_purchases import Loaded, import_purchases
from domain.operations.replaying import Changed, replay
from domain.wording import mark, say
from models.session import Sessions

BATCH = 5_000
SETTLE = 1_000
COLUMNS = {"members": MEMBER_COLUMNS, "purchases": PURCHASE_COLUMNS}
Progress = Callable[[int, int], None]  # bytes read, of how many
Translate = Callable[[SourceLine], list[dict[str, Any]]]


@dataclass
class Report:
    """What became of a file's lines."""

    lines: int = 0
    accepted: int = 0
    repeated: int = 0
    rounded: int = 0
    rejected: Counter[str] = field(default_factory=Counter)  # by reason, without the particulars
    rejected_file: str = ""

    def as_data(self) -> dict[str, Any]:
        return {
            "lines": self.lines, "accepted": self.accepted, "repeated": self.repeated, "rounded": self.rounded,
            "rejected": self.rejected.total(), "reasons": dict(self.rejected.most_common()),
            "rejected_file": self.rejected_file,
        }  # fmt: skip


@dataclass
class Importer:
    """One file on its way in."""

    sessions: Sessions
    what: str
    path: Path
    map: Map
    rejected_path: Path
    now: datetime
    language: str = "en"
    batch: int = BATCH
    progress: Progress = lambda done, size: None
    staff_id: int | None = None  # who brought it
    name: str = ""  # what it was called there; the path's own when empty

    def __post_init__(self) -> None:
        self._changed = Changed()

    def run(self) -> Report:
        """Loads the file. Raises Refusal when it cannot be read at all."""
        report, touched = Report(), set[int]()
        with open_file(self.path, self.map.encodings) as file, _rejects(self.rejected_path) as rejects:
            parser = self.parser()
            header, lines, translate = opened(file, self.what, self.map, Ranks())
            load = self.loader(parser)
            rejects.start(header)
            while batch := list(islice(lines, self.batch)):
                touched |= self._take(batch, translate, load, rejects, report)
                self.progress(file.done, file.size)
        report.rounded = parser.rounded
        report.rejected_file = str(self.rejected_path) if report.rejected else ""
        self._finish(report, touched)
        return report

    def parser(self) -> Parser:
        with self.sessions.reading() as session:
            return Parser.of(session, formats=self.map.formats, now=self.now)

    def loader(self, parser: Parser) -> "Loader":
        """How the lines of this file are understood and written."""
        source = self.map.name or "import"
        if self.what == "members":
            return Loader(
                parser.member,
                lambda session, rows: import_members(session, rows, source="import", is_history=True, now=self.now),
            )
        if self.what == "purchases":
            register = self.map.buyers == "register"
            return Loader(
                parser.purchase,
                lambda session, rows: import_purchases(
                    session, rows, source=source, register_buyers=register, is_history=True, now=self.now
                ),
            )
        rank = Ranks()

        def parse(fields: dict[str, Any]) -> Any:
            row = parser.event(fields)
            return row if row.id else ranked(row, rank(row.content))

        return Loader(parse, lambda session, rows: import_events(session, rows, is_history=True, now=self.now))

    def _take(
        self, batch: list[SourceLine], translate: Translate, load: "Loader", rejects: "Rejects", report: Report
    ) -> set[int]:
        """One batch, one transaction; the people it was about."""
        owners: list[int] = []  # of each row, which line of the batch it is from
        rows: list[Any] = []
        refused: dict[int, Refusal] = {}
        for at, line in enumerate(batch):
            try:
                parsed = load.understand(line, translate)
            except Invalid as refusal:
                refused[at] = refusal
                continue
            rows += parsed
            owners += [at] * len(parsed)
        with self.sessions.writing() as session:
            loaded = load.write(session, rows)
            session.commit()
        accepted = {at for at, outcome in zip(owners, loaded.outcomes, strict=True) if outcome == "accepted"}
        for at, outcome in zip(owners, loaded.outcomes, strict=True):
            if isinstance(outcome, Refusal):
                refused.setdefault(at, outcome)
        report.lines += len(batch)
        report.accepted += len(accepted - refused.keys())
        report.repeated += len({*owners} - accepted - refused.keys())
        for at, why in sorted(refused.items()):
            report.rejected[without_particulars(why, self.language)] += 1
            rejects.write(batch[at], say(self.language, why.message, **why.values))
        self._changed.add(loaded.changed)
        return loaded.member_ids

    def _finish(self, report: Report, touched: set[int]) -> None:
        """States and tiers of everyone the file was about, once all is known; and a line in the audit."""
        for piece in self._changed.pieces():
            with self.sessions.writing() as session:
                replay(session, piece, now=self.now)
                session.commit()
        ids = sorted(touched) if self.what != "events" else []
        for at in range(0, len(ids), SETTLE):
            with self.sessions.writing() as session:
                settling.settle(session, ids[at : at + SETTLE], is_history=True, now=self.now)
                session.commit()
        with self.sessions.writing() as session:
            data = {**report.as_data(), "file": self.name or self.path.name, "map": self.map.name}
            audit(session, staff_id=self.staff_id, action=f"imported_{self.what}", data=data, now=self.now)
            session.commit()


@dataclass(frozen=True)
class Loader:
    """How rows of this kind of file are understood and written."""

    parse: Callable[[dict[str, Any]], Any]
    write: Callable[[Session, list[Any]], Loaded]

    def understand(self, line: SourceLine, translate: Translate) -> list[Any]:
        """The rows a line means: one, or a sale and what was taken back of it. Raises Invalid."""
        if line.problem:
            raise line.problem
        return [self.parse(fields) for fields in translate(line)]


def without_particulars(why: Refusal, language: str) -> str:
    """What lines refused for the same reason have in common: the field, not what stood in it."""
    common = {name: value if name == "name" else "…" for name, value in why.values.items()}
    return say(language, why.message, **common)


def opened(file: FileReader, what: str, chosen: Map, rank: Rank) -> tuple[list[str], Iterator[SourceLine], Translate]:
    """A file's header, its lines, and how one of them says our fields. Raises Invalid when it is another file."""
    if what == "events" and not chosen.fields:
        return ["line"], file.lines(), lambda line: [line.fields]
    if chosen.records:
        header, lines = file.records(chosen.delimiter, chosen.records)
    else:
        header, lines = file.rows(chosen.delimiter, chosen.header_on)
    if not chosen.fields:
        _require(header, NEEDED[what])
        return header, lines, _plain_fields
    _require(header, sorted(chosen.columns()))
    mapped = chosen.translator(rank)
    return header, lines, lambda line: mapped(line.fields)


class Rejects:
    """FILE.rejected.csv: line number, reason, and the line as it stood. Not there when nothing was refused."""

    def __init__(self, path: Path) -> None:
        self._path, self._header = path, [""]
        self._file: Any = None
        self._writer: Any = None

    def start(self, header: list[str]) -> None:
        self._header = header

    def write(self, line: SourceLine, reason: str) -> None:
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8", errors="replace", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(["line", "reason", *(self._header if self._header != ["line"] else ["text"])])
        if self._header == ["line"]:
            shown = [json.dumps(line.fields, ensure_ascii=False)]
        else:
            shown = [line.fields.get(name, "") for name in self._header]
        self._writer.writerow([line.number, reason, *shown])

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


@contextmanager
def _rejects(path: Path) -> Iterator[Rejects]:
    path.unlink(missing_ok=True)  # of an earlier run
    rejects = Rejects(path)
    try:
        yield rejects
    finally:
        rejects.close()


def _require(header: list[str], needed: Any) -> None:
    missing = [name for name in needed if name not in header]
    if missing:
        raise Invalid(
            mark("The file lacks the columns %(missing)s, so nothing was loaded. Add them, or use a map."),
            missing=", ".join(missing),
        )


def _plain_fields(line: SourceLine) -> list[dict[str, Any]]:
    """The fields of a file with our own column names, freed of the apostrophes that guard spreadsheets."""
    return [{unescaped(name): unescaped(value) for name, value in line.fields.items()}]
