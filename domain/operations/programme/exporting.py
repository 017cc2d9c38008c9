"""The programme as it stands, in the shape of a file."""

from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.money import to_text
from domain.operations.programme import shapes
from models import benefit, programme
from models import store as stores
from models.automation import Automation
from models.programme import the_brand

TABLES: dict[str, tuple[Any, type[shapes.Section]]] = {
    "stores": (stores.Store, shapes.Store),
    "tiers": (programme.Tier, shapes.Tier),
    "tags": (programme.Tag, shapes.Tag),
    "segments": (programme.Segment, shapes.Segment),
    "coupons": (benefit.Coupon, shapes.Coupon),
    "forms": (programme.Form, shapes.Form),
    "keyword_answers": (programme.KeywordAnswer, shapes.KeywordAnswer),
    "entry_sources": (programme.EntrySource, shapes.EntrySource),
    "automations": (Automation, shapes.Automation),
}


def export(session: Session) -> dict[str, Any]:
    """Everything live, ready to be written as YAML; what a field's default says is left out."""
    brand = the_brand(session)
    made: dict[str, Any] = {
        "brand": _plain(shapes.Brand, {name: getattr(brand, name) for name in shapes.Brand.model_fields})
    }
    for section, (table, shape) in TABLES.items():
        order = table.rank if section == "tiers" else table.key
        rows = [row for row in session.scalars(select(table).order_by(order)) if not getattr(row, "archived_at", None)]
        made[section] = [_plain(shape, values_of(session, section, row)) for row in rows]
    return {name: value for name, value in made.items() if value}


def values_of(session: Session, section: str, row: Any) -> dict[str, Any]:
    """A row's values as the file says them: whole currency units, keys instead of ids."""
    shape = TABLES[section][1]
    values = {name: getattr(row, name) for name in shape.model_fields if hasattr(row, name)}
    currency = the_brand(session).currency
    for name in money_fields(section, values):
        values[name] = Decimal(to_text(values[name], currency))
    if section == "entry_sources":
        store = session.get(stores.Store, row.store_id) if row.store_id else None
        values["store"] = store.key if store else None
    if section == "automations":
        values["enabled"] = row.enabled_at is not None
    return values


def money_fields(section: str, values: dict[str, Any]) -> list[str]:
    """Which of a section's fields are amounts of money; a percentage is not."""
    if section == "tiers":
        return ["threshold"]
    if section == "coupons":
        return ["min_spend", *(["value"] if values.get("kind") == "amount_off" else [])]
    return []


def _plain(shape: type[shapes.Section], values: dict[str, Any]) -> dict[str, Any]:
    made = shape.model_validate(values).model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    for name in ("threshold", "value", "min_spend"):
        if name in made:
            number = Decimal(made[name])
            made[name] = int(number) if number == number.to_integral() else float(number)
    return made
