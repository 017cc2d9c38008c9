"""Short ways to ask a report: counted, told, and opened."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.reports.told import page_named
from domain.reports.told._shape import Cell, Document, Listed, Teller, Told
from domain.rules import names_of
from models.programme import the_brand


def teller(session: Session, language: str = "en") -> Teller:
    return Teller(language, names_of(session, language), the_brand(session).currency)


def asked_of(session: Session, key: str, now: datetime, **given: str) -> dict[str, str]:
    """What the page would show as chosen."""
    choices = page_named(key).choices(session, given, teller(session), now)
    return {choice.name: choice.value for choice in choices}


def count(session: Session, key: str, now: datetime, **given: str) -> Document:
    return page_named(key).count(session, asked_of(session, key, now, **given), now)


def told(session: Session, key: str, now: datetime, **given: str) -> Told:
    asked = asked_of(session, key, now, **given)
    return page_named(key).tell(page_named(key).count(session, asked, now), asked, teller(session))


def listed(session: Session, key: str, name: str, now: datetime, **given: str) -> Listed:
    asked = asked_of(session, key, now, **given)
    return page_named(key).behind(session, asked, name, teller(session), now)


def rows(report: Told, table: int = 0) -> dict[str, list[str]]:
    """A table's texts by the name of the row."""
    return {row[0].text: [cell.text for cell in row[1:]] for row in report.tables[table].rows}


def cells(report: Told) -> list[Cell]:
    """Every figure of a report that opens into people."""
    return [cell for table in report.tables for row in table.rows for cell in row if cell.people]


def disagreeing(session: Session, key: str, now: datetime, **given: str) -> list[Any]:
    """Figures whose people are not as many as they say (I6)."""
    wrong = []
    for cell in cells(told(session, key, now, **given)):
        plain = cell.text.replace(",", "")
        people = len(listed(session, key, cell.people, now, **given).people)
        if plain.isdigit() and int(plain) != people:
            wrong.append((cell, people))
    return wrong
