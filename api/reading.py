"""Reads files of any size line by line: compressed or not, any encoding, broken lines and all."""

import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from domain.errors import Invalid
from domain.wording import mark

csv.field_size_limit(1024 * 1024)


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One line of a file: its number, its fields as they stand, or what is wrong with it."""

    number: int
    fields: dict[str, Any]
    problem: Invalid | None = None


class FileReader:
    """An open file: its header (CSV) and its lines; `done` is how many of `size` bytes were read."""

    def __init__(self, raw: BinaryIO, text: TextIO, size: int) -> None:
        self._raw, self._text, self.size = raw, text, size

    @property
    def done(self) -> int:
        return min(self._raw.tell(), self.size)

    def lines(self) -> Iterator[SourceLine]:
        """JSON lines; empty ones are passed over."""
        for number, line in enumerate(self._text, 1):
            if line.strip():
                yield _json_source(number, line)

    def rows(self, delimiter: str = ",") -> tuple[list[str], Iterator[SourceLine]]:
        """The header of a CSV, and its rows. Raises Invalid when there is no usable header."""
        reader = csv.reader(self._text, delimiter=delimiter)
        header = [name.strip() for name in next(reader, [])]
        if not any(header):
            raise Invalid(mark("The file has no header line. The first line must name the columns."))
        twice = {name for name in header if header.count(name) > 1}
        if twice:
            raise Invalid(
                mark("The header names %(columns)s twice. Give each column its own name."),
                columns=", ".join(sorted(twice)),
            )
        return header, _rows(reader, header)


def _rows(reader: Any, header: list[str]) -> Iterator[SourceLine]:
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield SourceLine(reader.line_num, {}, Invalid(mark("The line cannot be read: %(why)s"), why=str(error)))
            continue
        if values:
            yield _row_source(reader.line_num, header, values)


def _row_source(number: int, header: list[str], values: list[str]) -> SourceLine:
    fields = dict(zip(header, values, strict=False))
    if len(values) != len(header):
        problem = Invalid(
            mark("The line has %(found)s fields and the header %(named)s. Check its quotes and separators."),
            found=len(values),
            named=len(header),
        )
        return SourceLine(number, fields, problem)
    return SourceLine(number, fields, _unreadable("".join(values)))


def _unreadable(text: str) -> Invalid | None:
    """What no database would store: characters that are not in the file's encoding, and NUL."""
    try:
        text.encode()
    except UnicodeEncodeError:
        pass
    else:
        if "\x00" not in text:
            return None
    return Invalid(mark("The line has characters that are not in the file's encoding. Save the file as UTF-8."))


def _json_source(number: int, line: str) -> SourceLine:
    problem = _unreadable(line)
    if problem is None:
        try:
            fields = json.loads(line, parse_constant=_no_number)
            if isinstance(fields, dict):
                return SourceLine(number, fields)
        except (ValueError, RecursionError):
            pass
        problem = Invalid(mark("The line is not a JSON object. Write one object on each line."))
    return SourceLine(number, {"line": line.rstrip("\n")}, problem)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


@contextmanager
def open_file(path: Path, encoding: str = "utf-8") -> Iterator[FileReader]:
    """Opens a file, gunzipping it when it is compressed. A byte order mark is not part of the first column."""
    encoding = "utf-8-sig" if encoding.lower().replace("_", "-") == "utf-8" else encoding
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        plain: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        # A broken character spoils its own line only; it is refused there.
        with io.TextIOWrapper(plain, encoding=encoding, errors="surrogateescape", newline="") as text:
            yield FileReader(raw, text, path.stat().st_size)


class Ranks:
    """How many equal things came before, for more things than memory should hold."""

    NEAR = 100_000  # this many are counted in memory, the others in a file

    def __init__(self) -> None:
        self._near: dict[str, int] = {}
        # An unnamed SQLite database spills to a temporary file of its own and is gone when closed.
        self._far = sqlite3.connect("", isolation_level=None)
        self._far.execute("PRAGMA journal_mode=OFF")
        self._far.execute("CREATE TABLE seen (thing TEXT PRIMARY KEY, times INTEGER) WITHOUT ROWID")
        self._far.execute("BEGIN")

    def __call__(self, thing: str) -> int:
        """1 for the first of its kind, 2 for the second …"""
        if thing in self._near or len(self._near) < self.NEAR:
            self._near[thing] = times = self._near.get(thing, 0) + 1
            return times
        row = self._far.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT (thing) DO UPDATE SET times = times + 1 RETURNING times",
            (thing,),
        ).fetchone()
        return int(row[0])
