"""Marking people as test or staff: they get test sends and count in no figure and no campaign."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.operations.auditing import audit
from domain.wording import mark
from models.member import Member


def set_marks(
    session: Session, member: Member, *, is_test: bool, is_staff: bool, staff_id: int | None, now: datetime
) -> None:
    """Says whether a person is one of us or made for trying things out. Saying the same again is nothing."""
    if member.erased_at is not None or member.merged_into_id is not None:
        raise Conflict(
            mark("Nothing was marked because this person is no longer kept. Search for them again."), code="gone"
        )
    if (member.is_test, member.is_staff) == (is_test, is_staff):
        return
    member.is_test, member.is_staff = is_test, is_staff
    data = {"test": is_test, "staff": is_staff}
    audit(session, staff_id=staff_id, action="marked", member_id=member.id, data=data, now=now)
    session.flush()
