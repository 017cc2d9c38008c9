"""Programmes as they were applied, to go back to; and as they are to be applied from a day, to plan ahead (L16, L19).

A planned programme is kept with the one it was made from, so that what is changed in the meantime stays.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound, Refusal
from domain.operations.programme import applying
from domain.operations.programme.applying import Change
from domain.operations.programme.exporting import export, plain
from domain.operations.programme.whole import LISTED, SINGLE, Programme, read
from domain.wording import mark
from models.mission import ProgrammeVersion
from models.programme import the_brand

BASE = "base"  # beside "programme" in the document of a planned version
AS_IT_STOOD = mark("As it stood before")


def apply(session: Session, programme: Programme, *, by: str, words: str = "", now: datetime) -> list[Change]:
    """Makes the programme what the file says and keeps it as a version; returns what changed.

    What had been changed by hand since the last version is kept first, so that going back finds it.
    """
    _keep_as_it_stands(session, now=now)
    done = applying.apply(session, programme, by=by, now=now)
    if done:
        document = export(session)
        _keep(session, document, by=by, words=words, now=now)
        brand = the_brand(session)
        brand.history = [*brand.history, {"at": now.isoformat(), "by": by, "sha": digest(document)}]
        session.flush()
    return done


def plan(
    session: Session, programme: Programme, *, by: str, applies_at: datetime, words: str = "", now: datetime
) -> ProgrammeVersion:
    """Keeps a programme to be applied once from `applies_at`. Raises Conflict for a moment that has passed."""
    if applies_at <= now:
        raise Conflict(
            mark("Nothing was planned: that day has begun already. Choose a later one, or apply it now."),
            code="programme_day_passed",
        )
    wanted = plain(programme)
    version = ProgrammeVersion(
        sha=digest(wanted), document={"programme": wanted, BASE: export(session)}, words=words, by=by,
        made_at=now, applies_at=applies_at, state="planned",
    )  # fmt: skip
    session.add(version)
    session.flush()
    return version


def apply_due(session: Session, *, now: datetime) -> int:
    """Applies what was planned up to `now`, the earliest first; returns how many were. Each at most once.

    One that cannot be applied changes nothing, and says why in `error`.
    """
    due = (
        select(ProgrammeVersion)
        .where(ProgrammeVersion.state == "planned", ProgrammeVersion.applies_at <= now)
        .order_by(ProgrammeVersion.applies_at, ProgrammeVersion.id)
        .with_for_update()
    )
    return sum(_carry_out(session, version, now=now) for version in session.scalars(due).all())


def cancel(session: Session, version: ProgrammeVersion) -> None:
    """What was planned, or has failed, is not to be applied any more."""
    if version.state not in ("planned", "failed"):
        raise Conflict(mark("This programme has been applied, so there is nothing to cancel. Go back to another one."))
    version.state = "cancelled"
    session.flush()


def going_back(session: Session, sha: str) -> tuple[ProgrammeVersion, Programme]:
    """The latest applied version whose digest begins with `sha`, as a programme. Raises NotFound, Invalid."""
    found = session.scalars(
        select(ProgrammeVersion)
        .where(ProgrammeVersion.sha.startswith(sha, autoescape=True), ProgrammeVersion.state == "applied")
        .order_by(ProgrammeVersion.id.desc())
        .limit(1)
    ).first()
    if found is None or not sha:
        raise NotFound(mark("No programme of that name was ever applied. See the list of versions."))
    return found, read(found.document)


def roll_back(session: Session, sha: str, *, by: str, now: datetime) -> list[Change]:
    """Applies an earlier version again; that, too, is a version. What people were given meanwhile they keep."""
    version, programme = going_back(session, sha)
    return apply(session, programme, by=by, words=f"↩ {version.sha}", now=now)


def versions(session: Session, *, before: int | None = None, limit: int = 50) -> Sequence[ProgrammeVersion]:
    """The latest first; `before` is the id of the last one seen."""
    rows = select(ProgrammeVersion).order_by(ProgrammeVersion.id.desc()).limit(limit)
    return session.scalars(rows if before is None else rows.where(ProgrammeVersion.id < before)).all()


def digest(document: dict[str, Any]) -> str:
    """The name of a programme: the same text, the same name."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:12]


def rebased(planned: dict[str, Any], base: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """What was planned, on top of what is: only what the plan changes, field by field and item by item."""
    made: dict[str, Any] = {}
    for name in SINGLE:
        made[name] = _merged(planned.get(name, {}), base.get(name, {}), current.get(name, {}))
    for name in LISTED:
        sides = [_by_key(document.get(name, [])) for document in (planned, base, current)]
        order = [*sides[0], *(key for key in sides[2] if key not in sides[0])]
        merged = _merged(*sides)
        made[name] = [merged[key] for key in order if key in merged]
    return {name: value for name, value in made.items() if value}


def _merged(planned: dict[str, Any], base: dict[str, Any], current: dict[str, Any]) -> dict[str, Any]:
    """`current`, with whatever `planned` says otherwise than `base`."""
    made = {key: value for key, value in current.items() if key in planned or key not in base}
    made |= {key: value for key, value in planned.items() if key not in base or base[key] != value}
    return made


def _by_key(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {item["key"]: item for item in items}


def _carry_out(session: Session, version: ProgrammeVersion, *, now: datetime) -> bool:
    document = version.document
    try:
        with session.begin_nested():
            wanted = read(rebased(document["programme"], document[BASE], export(session)))
            _keep_as_it_stands(session, now=now)
            applying.apply(session, wanted, by=version.by, now=now)
    except OperationalError:
        raise  # the database is in trouble, not the programme: it is tried again
    except Exception as error:
        version.state, version.error = "failed", str(error) if isinstance(error, Refusal) else repr(error)[:2_000]
        session.flush()
        return False
    version.document = export(session)
    version.sha, version.state, version.applied_at = digest(version.document), "applied", now
    session.flush()
    return True


def _keep_as_it_stands(session: Session, *, now: datetime) -> None:
    """What stands and is in no version: the programme before the first, or changed by hand since the last."""
    document = export(session)
    latest = session.scalar(
        select(ProgrammeVersion.sha)
        .where(ProgrammeVersion.state == "applied")
        .order_by(ProgrammeVersion.applied_at.desc(), ProgrammeVersion.id.desc())
        .limit(1)
    )
    if latest != digest(document):
        _keep(session, document, by="", words=AS_IT_STOOD, now=now)


def _keep(session: Session, document: dict[str, Any], *, by: str, words: str, now: datetime) -> None:
    version = ProgrammeVersion(
        sha=digest(document), document=document, words=words, by=by, made_at=now, applies_at=now, applied_at=now,
        state="applied",
    )  # fmt: skip
    session.add(version)
    session.flush()
