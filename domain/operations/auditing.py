"""What staff did, written beside what they did, in the same transaction."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models.staff import AuditLine


def audit(
    session: Session,
    *,
    staff_id: int | None,
    action: str,
    member_id: int | None = None,
    object: str | None = None,
    data: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """Adds one audit line. `action` is a short verb such as `checked_in`; `staff_id` None means a command."""
    session.add(
        AuditLine(at=now, staff_id=staff_id, action=action, member_id=member_id, object=object, data=data or {})
    )
