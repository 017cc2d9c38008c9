"""Reports counted in the night: what a page shows when counting takes too long to wait for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from domain.reports.told._shape import Document, Page
from domain.rules import is_large
from models.score import KeptReport

FRESH = timedelta(hours=36)  # a missed night is forgiven, two are not


@dataclass(frozen=True)
class Counted:
    """What was counted, and when: `document` is None of what only the night counts and has not counted yet."""

    document: Document | None
    as_of: datetime


def name_of(page: Page, asked: Mapping[str, str]) -> str:
    """Under which name it is kept: the report's key, and what was asked for."""
    return ":".join([page.key, *(asked[name] for name in sorted(asked))])


def counted(session: Session, page: Page, asked: Mapping[str, str], *, now: datetime) -> Counted:
    """As kept last night; what is not kept is counted now, except for the longest of a large brand."""
    kept = session.get(KeptReport, name_of(page, asked)) if page.nightly else None
    if kept is not None and _is_fresh(kept, now):
        return Counted(kept.document, kept.made_at)
    if page.how_long == "long" and is_large(session):
        return Counted(None, now)
    return Counted(page.count(session, asked, now), now)


def as_of(session: Session, page: Page, asked: Mapping[str, str], *, now: datetime) -> datetime:
    """The moment of the figures `counted` shows: their lists are opened as of it, not as of the click."""
    kept = session.get(KeptReport, name_of(page, asked)) if page.nightly else None
    return kept.made_at if kept is not None and _is_fresh(kept, now) else now


def fresh(session: Session, name: str, *, now: datetime) -> Document | None:
    """A document the night counted; None when it has not, or not lately."""
    kept = session.get(KeptReport, name)
    return kept.document if kept is not None and _is_fresh(kept, now) else None


def _is_fresh(kept: KeptReport, now: datetime) -> bool:
    return now - FRESH <= kept.made_at <= now


def noted(session: Session, about: str) -> dict[str, Any]:
    """What was decided about the rows of a report, by the row's name: {"words", "by", "at"}."""
    row = session.get(KeptReport, f"noted:{about}")
    return dict(row.document) if row else {}
