"""The programme as it stands, in the shape of a file."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.money import to_text
from domain.operations.programme.sections._section import Listed, Shape
from domain.operations.programme.whole import LISTED, SINGLE, Programme
from models.programme import the_brand


def export(session: Session) -> dict[str, Any]:
    """Everything live, ready to be written as YAML; what a field's default says is left out."""
    brand = the_brand(session)
    made: dict[str, Any] = {name: _plain(shape, shape.from_brand(brand)) for name, shape in SINGLE.items()}
    for section, shape in LISTED.items():
        rows = session.scalars(select(shape.table).order_by(getattr(shape.table, shape.order)))
        made[section] = [_plain(shape, values_of(session, shape, row)) for row in rows if shape.is_live(row)]
    return {name: value for name, value in made.items() if value}


def values_of(session: Session, shape: type[Listed], row: Any) -> dict[str, Any]:
    """A row's values as the file says them: whole currency units, keys instead of ids, the business's own time."""
    zone = calendar_of(session).zone
    values = {name: in_zone(getattr(row, name), zone) for name in shape.model_fields if hasattr(row, name)}
    currency = the_brand(session).currency
    for name in shape.money_of(values):
        if values[name] is not None:
            values[name] = Decimal(to_text(values[name], currency))
    return {**values, **shape.more_from_row(session, row)}


def in_zone(value: Any, zone: ZoneInfo) -> Any:
    """A moment in the business's own time, which is also what one without a zone means; anything else as it is."""
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=zone) if value.tzinfo is None else value.astimezone(zone)


def plain(programme: Programme) -> dict[str, Any]:
    """A programme in the shape of a file, as `export` writes it."""
    made: dict[str, Any] = {name: _written(getattr(programme, name)) for name in SINGLE}
    made |= {name: [_written(item) for item in programme.items(name)] for name in LISTED}
    return {name: value for name, value in made.items() if value}


def _plain(shape: type[Shape], values: dict[str, Any]) -> dict[str, Any]:
    return _written(shape.model_validate(values))


def _written(item: Shape) -> dict[str, Any]:
    made = item.model_dump(mode="json", exclude_defaults=True)  # none stays where it is not the default: no cap
    for name in made:
        number = getattr(item, name)
        if isinstance(number, Decimal):
            made[name] = int(number) if number == number.to_integral() else float(number)
    return made
