"""Reads files of any size line by line: compressed or not, any encoding, broken lines and all."""

import codecs
import csv
import gzip
import io
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from api.mapping import Records
from domain.errors import Invalid
from domain.wording import mark

csv.field_size_limit(1024 * 1024)
# What a file that begins so is written in, whatever anybody says. (UTF-32 begins like UTF-16 and is not used.)
BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
LOOKED_AT = 256 * 1024  # bytes by which one of several encodings is chosen


def _spoilt(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are not in the file's encoding: a half character, for which `_unreadable` refuses the line."""
    assert isinstance(error, UnicodeDecodeError)
    return "\udcff", error.end


codecs.register_error("spoil_the_line", _spoilt)


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

    def rows(self, delimiter: str = ",", header_on: int = 1) -> tuple[list[str], Iterator[SourceLine]]:
        """The header of a CSV, which stands on line `header_on`, and its rows.

        Raises Invalid when there is no usable header.
        """
        for _ in range(header_on - 1):
            self._text.readline()
        reader = csv.reader(self._text, delimiter=delimiter)
        header = [name.strip() for name in _header(reader)]
        if not any(header):
            raise Invalid(mark("The file has no header line. The first line must name the columns."))
        twice = {name for name in header if header.count(name) > 1}
        if twice:
            raise Invalid(
                mark("The header names %(columns)s twice. Give each column its own name."),
                columns=", ".join(sorted(twice)),
            )
        return header, _rows(reader, header, header_on - 1)

    def records(self, delimiter: str, shape: Records) -> tuple[list[str], Iterator[SourceLine]]:
        """A file of heads and lines: each line with the columns of the head before it, under one header."""
        header = [*shape.head.columns, *shape.line.columns]
        return header, _joined(csv.reader(self._text, delimiter=delimiter), header, shape)


def _header(reader: Any) -> list[str]:
    try:
        found: list[str] = next(reader, [])
    except csv.Error as error:
        raise Invalid(mark("The header line cannot be read: %(why)s"), why=str(error)) from None
    return found


def _joined(reader: Any, header: list[str], shape: Records) -> Iterator[SourceLine]:
    head: list[str] | None = None
    for line in _rows(reader, [], 0):
        cells = line.fields.get("cells", [])
        first = cells[0].strip() if cells else ""
        if first == shape.head.mark:
            head = _fitted(cells[1:], len(shape.head.columns))
        elif first == shape.line.mark and head is not None:
            values = [*head, *_fitted(cells[1:], len(shape.line.columns))]
            yield _row_source(line.number, header, values)
        elif first == shape.line.mark:
            yield SourceLine(line.number, {}, Invalid(mark("The line stands before the head it belongs to.")))


def _fitted(cells: list[str], size: int) -> list[str]:
    """Such files end each line with a separator, and leave out empty cells at the end."""
    return (cells + [""] * size)[:size]


def _rows(reader: Any, header: list[str], before: int) -> Iterator[SourceLine]:
    """The rows under a header; without one, their cells. `before` lines of the file came before the reader's first."""
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = Invalid(mark("The line cannot be read: %(why)s"), why=str(error))
            yield SourceLine(before + reader.line_num, {}, problem)
            continue
        if values:
            number = before + reader.line_num
            yield _row_source(number, header, values) if header else SourceLine(number, {"cells": values})


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
def open_file(path: Path, encoding: str | Sequence[str] = "utf-8") -> Iterator[FileReader]:
    """Opens a file, gunzipping it when it is compressed. A byte order mark is not part of the first column.

    Of several encodings the first is taken in which the file's beginning can be read.
    """
    wanted = [encoding] if isinstance(encoding, str) else list(encoding)
    with path.open("rb") as raw:
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        plain: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        chosen = _chosen(plain.peek(4)[:4], wanted) or _fitting(path, wanted, packed=packed)
        # A broken character spoils its own line only; it is refused there.
        with io.TextIOWrapper(plain, encoding=chosen, errors="spoil_the_line", newline="") as text:
            yield FileReader(raw, text, path.stat().st_size)


def _chosen(beginning: bytes, wanted: list[str]) -> str:
    """What a byte order mark says, or the only encoding there is to choose; else empty."""
    marked = next((name for mark_, name in BYTE_ORDER_MARKS if beginning.startswith(mark_)), "")
    return marked or (wanted[0] if len(wanted) == 1 else "")


def _fitting(path: Path, wanted: list[str], *, packed: bool) -> str:
    with gzip.open(path) if packed else path.open("rb") as file:
        beginning = file.read(LOOKED_AT)
    for name in wanted:
        try:
            codecs.getincrementaldecoder(name)().decode(beginning)  # a character cut off at the end is no error
        except UnicodeError:
            continue
        return name
    return wanted[0]


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
