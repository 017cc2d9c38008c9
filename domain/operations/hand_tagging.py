"""Tags that staff give and take by hand (M60). A tag with a rule is the rule's to give: it is not offered here."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.operations import tagging
from domain.operations.auditing import audit
from domain.wording import mark
from models.member import Member
from models.programme import Tag


def offered(session: Session) -> Sequence[Tag]:
    """The tags there are to give by hand."""
    return session.scalars(select(Tag).where(Tag.rule.is_(None), Tag.archived_at.is_(None)).order_by(Tag.key)).all()


def put(session: Session, member: Member, *, key: str, staff_id: int, now: datetime) -> None:
    """Gives the tag; again renews it. Raises Invalid for one that is not to be given by hand."""
    tag = _tag(session, key)
    tagging.give(session, [member.id], tag, source="staff", evidence={"staff": staff_id}, now=now)
    audit(session, staff_id=staff_id, action="tag_given", member_id=member.id, object=f"tag:{key}", now=now)


def take_off(session: Session, member: Member, *, key: str, staff_id: int, now: datetime) -> None:
    """Takes the tag away, whoever gave it. Raises Invalid for one a rule would give again."""
    if tagging.take(session, [member.id], _tag(session, key), source="staff", now=now):
        audit(session, staff_id=staff_id, action="tag_taken", member_id=member.id, object=f"tag:{key}", now=now)


def _tag(session: Session, key: str) -> Tag:
    tag = next((each for each in offered(session) if each.key == key), None)
    if tag is None:
        raise Invalid(mark("Nothing was changed: this tag follows its rule, or is no more. Choose another."))
    return tag
