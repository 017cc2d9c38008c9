"""Applying a programme file: first what would change, then the change, all of it or nothing.

What the file no longer names is retired, not deleted: tags, segments and coupons are archived,
automations switched off, forms closed. Stores, tiers and the rest stay, and the diff says so.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.money import to_minor
from domain.operations import automating
from domain.operations.programme.exporting import TABLES, money_fields, values_of
from domain.operations.programme.shapes import Programme, Section
from models.automation import Automation
from models.programme import Tier, the_brand
from models.store import Store

# Fields whose change makes a new version of the row.
VERSIONS = {"tags": ("rule", "rule_version"), "segments": ("rule", "version"), "coupons": ("terms", "terms_version")}


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


def apply(session: Session, programme: Programme, *, by: str, now: datetime) -> list[Change]:
    """Makes the programme what the file says; returns what changed."""
    done = list(_changes(session, programme))
    for change, item in done:
        if change.section == "brand":
            _set_brand(session, programme)
        elif change.what in {"add", "change"}:
            assert item is not None
            _write(session, change.section, item, change, now=now)
        elif change.what == "retire":
            _retire(session, _row(session, change.section, change.key), now=now)
    _order_tiers(session, programme)
    brand = the_brand(session)
    brand.history = [*brand.history, {"at": now.isoformat(), "by": by, "sha": _digest(programme)}]
    session.flush()
    return [change for change, _ in done]


def _digest(programme: Programme) -> str:
    text = json.dumps(programme.model_dump(mode="json"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _changes(session: Session, programme: Programme) -> Iterator[tuple[Change, Section | None]]:
    brand = the_brand(session)
    fields = _differences({name: getattr(brand, name) for name in type(programme.brand).model_fields}, programme.brand)
    if fields:
        yield Change("change", "brand", programme.brand.name, fields), programme.brand
    for section, (table, shape) in TABLES.items():
        rows = {row.key: row for row in session.scalars(select(table))}
        items = {item.key: item for item in getattr(programme, section)}
        for key, item in items.items():
            if key not in rows:
                yield Change("add", section, key, {}), item
                continue
            old = shape.model_validate(values_of(session, section, rows[key])).model_dump()
            fields = _differences(old, item)
            if getattr(rows[key], "archived_at", None):
                fields["archived"] = (True, False)
            if fields:
                yield Change("change", section, key, fields), item
        for key, row in rows.items():
            if key not in items and not _is_retired(row):
                what = "retire" if hasattr(row, "archived_at") or hasattr(row, "enabled_at") else "keep"
                what = "retire" if section == "forms" else what
                yield Change(what, section, key, {}), None


def _differences(old: dict[str, Any], item: Section) -> dict[str, tuple[Any, Any]]:
    return {name: (old.get(name), value) for name, value in item.model_dump().items() if old.get(name) != value}


def _is_retired(row: Any) -> bool:
    if isinstance(row, Automation):
        return row.enabled_at is None
    return bool(getattr(row, "archived_at", None)) or getattr(row, "is_open", True) is False


def _write(session: Session, section: str, item: Any, change: Change, *, now: datetime) -> None:
    table = TABLES[section][0]
    row = _row(session, section, item.key) if change.what == "change" else table(key=item.key)
    for name, value in _columns(session, section, item).items():
        setattr(row, name, value)
    if hasattr(row, "archived_at"):
        row.archived_at = None
    if hasattr(row, "created_at") and row.created_at is None:
        row.created_at = now
    if section == "tiers" and row.rank is None:
        row.rank = 1_000 + len(session.scalars(select(table.id)).all())  # put in order afterwards
    session.add(row)
    session.flush()
    if section in VERSIONS and VERSIONS[section][0] in change.fields:
        setattr(row, VERSIONS[section][1], getattr(row, VERSIONS[section][1]) + 1)
    if section == "automations":
        _switch(session, row, item.enabled, change, now=now)


def _columns(session: Session, section: str, item: Any) -> dict[str, Any]:
    """The item's fields as the table keeps them."""
    values: dict[str, Any] = item.model_dump()
    currency = the_brand(session).currency
    for name in money_fields(section, values):
        values[name] = to_minor(str(values[name]), currency)[0]
    if section == "coupons":
        values["value"] = int(values["value"])
    if section == "entry_sources":
        key = values.pop("store")
        values["store_id"] = session.scalar(select(Store.id).where(Store.key == key)) if key else None
    if section == "automations":
        values.pop("enabled")
        values["wait"] = item.wait.model_dump(exclude_none=True, exclude_defaults=True)
        values["actions"] = [action.model_dump(exclude_none=True, exclude_defaults=True) for action in item.actions]
    return values


def _switch(session: Session, row: Automation, enabled: bool, change: Change, *, now: datetime) -> None:
    if change.fields.keys() - {"enabled"}:
        row.version += 1
    if not enabled:
        automating.disable(session, row)
    elif row.enabled_at is None:
        automating.enable(session, row, now=now)
    elif "trigger" in change.fields:
        automating.trigger_changed(session, row, now=now)


def _retire(session: Session, row: Any, *, now: datetime) -> None:
    if isinstance(row, Automation):
        automating.disable(session, row)
    elif hasattr(row, "archived_at"):
        row.archived_at = now
    else:
        row.is_open = False


def _row(session: Session, section: str, key: str) -> Any:
    table = TABLES[section][0]
    return session.scalars(select(table).where(table.key == key)).one()


def _set_brand(session: Session, programme: Programme) -> None:
    brand = the_brand(session)
    for name, value in programme.brand.model_dump().items():
        setattr(brand, name, value)


def _order_tiers(session: Session, programme: Programme) -> None:
    """Ranks follow the thresholds, and of two alike the file's own is the higher; ranks are unique at every moment."""
    ours = {tier.key for tier in programme.tiers}
    rows = sorted(session.scalars(select(Tier)), key=lambda row: (row.threshold, row.key in ours))
    if [row.rank for row in rows] == list(range(len(rows))):
        return
    for offset in (10_000, 0):
        for n, row in enumerate(rows):
            row.rank = offset + n
        session.flush()
