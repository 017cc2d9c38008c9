"""Applying a programme file: first what would change, then the change, all of it or nothing.

What the file no longer names is retired, each section in its own way: tags, segments and coupons are archived,
automations archived and switched off, forms closed. What people stand on stays, and the diff says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.money import to_minor
from domain.operations import retagging
from domain.operations.programme import ladder
from domain.operations.programme.exporting import in_zone, values_of
from domain.operations.programme.sections._section import Listed, Shape, Touch
from domain.operations.programme.whole import LISTED, SINGLE, Programme
from models.programme import the_brand


@dataclass(frozen=True)
class Change:
    """One thing that applying would do. `what` is add, change, retire or keep."""

    what: str
    section: str
    key: str
    fields: dict[str, tuple[Any, Any]]

    def words(self) -> str:
        sign = {"add": "+", "change": "~", "retire": "-", "keep": "="}[self.what]
        inside = "".join(f"\n      {name}: {old!r} → {new!r}" for name, (old, new) in self.fields.items())
        note = " (no longer in the file; stays, because people stand on it)" if self.what == "keep" else ""
        return f"  {sign} {self.section}.{self.key}{note}{inside}"


def diff(session: Session, programme: Programme) -> list[Change]:
    """What applying would change; nothing is written."""
    return [change for change, _ in _changes(session, programme)]


def touches(session: Session, programme: Programme, *, now: datetime) -> list[tuple[Change, list[Touch]]]:
    """What applying would change, and whom each change concerns at `now`; nothing is written."""
    found = []
    for change, item in _changes(session, programme):
        shape = LISTED.get(change.section)
        if shape is None or change.what == "keep":
            found.append((change, list[Touch]()))
            continue
        row = None if change.what == "add" else _row(session, shape, change.key)
        found.append((change, shape.touches(session, row, item, change.fields.keys(), now=now)))
    return found


def apply(session: Session, programme: Programme, *, by: str, now: datetime) -> list[Change]:
    """Makes the programme what the file says; returns what changed."""
    done, judged_by = list(_changes(session, programme)), ladder.present(session)
    for name in {change.section for change, _ in done} & SINGLE.keys():
        getattr(programme, name).to_brand(the_brand(session))
    for section, shape in LISTED.items():
        mine = [(change, item) for change, item in done if change.section == section]
        for change, item in mine:
            if item is not None:
                _write(session, item, change, now=now)
            elif change.what == "retire":
                shape.retire(session, _row(session, shape, change.key), now=now)
        session.flush()
        if mine:
            shape.settled(session, programme.items(section), now=now)
    ladder.keep(session, judged_by, by=by, now=now)
    session.flush()
    if done:
        retagging.ask_everyone(session)
    return [change for change, _ in done]


def _changes(session: Session, programme: Programme) -> Iterator[tuple[Change, Any]]:
    """Each change with the file's item behind it; None where the file names it no longer."""
    for name, single in SINGLE.items():
        item = getattr(programme, name)
        fields = _differences(session, single.from_brand(the_brand(session)), item)
        if fields:
            yield Change("change", name, getattr(item, "name", name), fields), item
    for section, shape in LISTED.items():
        yield from _changes_of(session, section, shape, programme.items(section))


def _changes_of(session: Session, section: str, shape: type[Listed], wanted: list[Any]) -> Iterator[tuple[Change, Any]]:
    rows = {row.key: row for row in session.scalars(select(shape.table))}
    items = {item.key: item for item in wanted}
    for key, item in items.items():
        if key not in rows:
            yield Change("add", section, key, {}), item
            continue
        fields = _differences(session, shape.model_validate(values_of(session, shape, rows[key])).model_dump(), item)
        if not shape.is_live(rows[key]):
            fields["archived"] = (True, False)
        if fields:
            yield Change("change", section, key, fields), item
    for key, row in rows.items():
        if key not in items and not shape.is_retired(row):
            yield Change("retire" if shape.can_retire(session, row) else "keep", section, key, {}), None


def _differences(session: Session, old: dict[str, Any], item: Shape) -> dict[str, tuple[Any, Any]]:
    zone = calendar_of(session).zone
    new = {name: in_zone(value, zone) for name, value in item.model_dump().items()}
    return {name: (old.get(name), value) for name, value in new.items() if old.get(name) != value}


def _write(session: Session, item: Listed, change: Change, *, now: datetime) -> None:
    shape = type(item)
    row = _row(session, shape, item.key) if change.what == "change" else shape.table(key=item.key)
    columns = item.to_columns(session)
    for name in shape.money_of(columns):
        if columns[name] is not None:
            columns[name] = to_minor(str(columns[name]), the_brand(session).currency)[0]
    for name, value in columns.items():
        setattr(row, name, in_zone(value, calendar_of(session).zone))
    if not shape.is_live(row):
        row.archived_at = None
    if change.what == "add":
        shape.before_new(session, row, now=now)
    session.add(row)
    session.flush()
    if shape.versioned is not None and change.fields.keys() & set(shape.versioned[0]):
        counter = shape.versioned[1]
        setattr(row, counter, getattr(row, counter) + 1)
    item.written(session, row, change.fields.keys(), now=now)


def _row(session: Session, shape: type[Listed], key: str) -> Any:
    return session.scalars(select(shape.table).where(shape.table.key == key)).one()
