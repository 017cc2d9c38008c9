"""Which step of the migrations a database has taken, and which this version of the product wants."""

import re
from functools import lru_cache
from pathlib import Path

from sqlalchemy import column, select, table
from sqlalchemy.orm import Session

VERSIONS = Path(__file__).parent / "migrations" / "versions"
STEP = re.compile(r'^(revision|down_revision) = "(\w+)"', re.MULTILINE)


def applied(session: Session) -> str | None:
    """The step the database is at; None when it was never migrated. Raises when the table is not there."""
    return session.scalar(select(column("version_num")).select_from(table("alembic_version")))


@lru_cache
def known() -> frozenset[str]:
    """Every step this version knows."""
    return frozenset(revision for revision, _ in _steps())


@lru_cache
def newest() -> str:
    """The step this version wants: the one nothing comes after."""
    after = {before for _, before in _steps()}
    (last,) = known() - after
    return last


def _steps() -> list[tuple[str, str]]:
    """Read from the files themselves: importing Alembic costs a second that no web process should pay."""
    found = [dict(STEP.findall(path.read_text())) for path in sorted(VERSIONS.glob("*.py"))]
    return [(each["revision"], each.get("down_revision", "")) for each in found]
