"""Keeps what the night counted for Reports, and the decisions people note beside it."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Invalid
from domain.operations.recording import insert_for
from domain.reports.kept import name_of
from domain.reports.told import all_pages
from domain.reports.told._shape import Page
from domain.rules import is_large
from domain.wording import mark
from models.score import KeptReport

LONGEST = 500


def due(session: Session, *, now: datetime) -> list[tuple[Page, dict[str, str]]]:
    """What this night counts. A small brand's reports are counted as they are opened, but for the longest."""
    large = is_large(session)
    pages = (page for page in all_pages().values() if page.nightly and (large or page.how_long == "long"))
    return [(page, asked) for page in pages if page.nightly for asked in page.nightly(session, now)]


def count(session: Session, page: Page, asked: dict[str, str], *, now: datetime) -> dict[str, Any]:
    """The row to keep; reads only."""
    return {
        "name": name_of(page, asked), "document": page.count(session, asked, now),
        "as_of": calendar_of(session).day_of(now), "made_at": now,
    }  # fmt: skip


def keep(session: Session, row: dict[str, Any]) -> None:
    """Puts it in the place of the one before."""
    statement = insert_for(session)(KeptReport).values(row)
    values = {name: value for name, value in row.items() if name != "name"}
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))


def note(session: Session, *, about: str, name: str, words: str, by: str, now: datetime) -> None:
    """A decision about a row of a report, such as a segment's cadence of a quarter; the last one stands.

    Raises Invalid when it is empty.
    """
    said = " ".join(words.split())[:LONGEST]
    if not said:
        raise Invalid(mark("Nothing was noted because the field is empty. Write what was decided."), code="empty")
    row = session.get(KeptReport, f"noted:{about}", with_for_update=True)
    decided = {**(row.document if row else {}), name: {"words": said, "by": by, "at": now.isoformat()}}
    keep(
        session,
        {"name": f"noted:{about}", "document": decided, "as_of": calendar_of(session).day_of(now), "made_at": now},
    )
    session.expire_all()
