"""Files brought to the console: kept, loaded by a worker, and forgotten again. What is in them is others' business."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, NotFound
from domain.operations.auditing import audit
from domain.wording import mark
from models.upload import OPEN, Upload

# A file that was looked at and not loaded, and the refused lines of one that was.
LOOKED_AT, REFUSED = timedelta(days=1), timedelta(days=30)


def keep(
    session: Session, *, what: str, name: str, body: bytes, map_name: str | None, map_text: str | None, staff_id: int,
    now: datetime,
) -> Upload:  # fmt: skip
    """A file to look at; nothing of it is loaded yet. Raises Invalid for an empty one."""
    if not body.strip():
        raise Invalid(mark("Nothing was kept: the file is empty. Choose another."))
    row = Upload(
        what=what, name=name[-255:], body=body, size=len(body), map=map_name, map_text=map_text, staff_id=staff_id,
        created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def find(session: Session, upload_id: int) -> Upload:
    """Raises NotFound."""
    row = session.get(Upload, upload_id)
    if row is None:
        raise NotFound(mark("This file is not kept any more. Bring it again."))
    return row


def ask_to_load(session: Session, row: Upload, *, staff_id: int, now: datetime) -> None:
    """From now on a worker loads it. Raises Conflict when that was asked already, or it was let go."""
    asked = update(Upload).where(Upload.id == row.id, Upload.state == "checked", Upload.body.is_not(None))
    if session.execute(asked.values(state="waiting").returning(Upload.id)).first() is None:
        raise Conflict(mark("Nothing was begun: this file is being loaded, or was. See below what became of it."))
    audit(
        session, staff_id=staff_id, action="import_asked", object=f"upload:{row.id}",
        data={"file": row.name, "what": row.what, "map": row.map or ""}, now=now,
    )  # fmt: skip


def let_go(session: Session, row: Upload) -> None:
    """Forgets a file nobody wants loaded. Raises Conflict for one that is being loaded."""
    gone = delete(Upload).where(Upload.id == row.id, Upload.state.not_in(OPEN)).returning(Upload.id)
    if session.execute(gone).first() is None:
        raise Conflict(mark("The file stays because it is being loaded. Let it go when that is over."))


def note_progress(session: Session, upload_id: int, *, done: int, lease_until: datetime) -> None:
    session.execute(update(Upload).where(Upload.id == upload_id).values(done=done, lease_until=lease_until))


def finish(
    session: Session,
    upload_id: int,
    *,
    report: dict[str, Any],
    rejected: bytes | None,
    error: str | None,
    now: datetime,
) -> None:
    """It is loaded, or cannot be: the body goes, what was refused stays to be looked at."""
    session.execute(
        update(Upload)
        .where(Upload.id == upload_id)
        .values(
            state="failed" if error else "done", report=report, rejected=rejected, has_rejected=rejected is not None,
            error=error, body=None, finished_at=now, lease_until=None,
        )
    )  # fmt: skip


def forget_old(session: Session, *, now: datetime) -> int:
    """Files nobody asked to load for a day, and refused lines after 30; returns how many. For the night."""
    stale = delete(Upload).where(Upload.state == "checked", Upload.created_at < now - LOOKED_AT).returning(Upload.id)
    old = (Upload.has_rejected, Upload.finished_at < now - REFUSED)
    emptied = update(Upload).where(*old).values(rejected=None, has_rejected=False).returning(Upload.id)
    return len(session.execute(stale).all()) + len(session.execute(emptied).all())


def forget_refused(session: Session) -> None:
    """Somebody was forgotten: they may be in any line that was refused."""
    held = select(Upload.id).where(Upload.has_rejected)
    session.execute(update(Upload).where(Upload.id.in_(held)).values(rejected=None, has_rejected=False))
