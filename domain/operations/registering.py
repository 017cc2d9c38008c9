"""Making someone a member at the counter, who has no LINE or does not want to use it now."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from domain.operations import joining
from domain.operations.auditing import audit
from domain.operations.befriending import new_ref
from models.member import Member


def register_at_counter(
    session: Session,
    *,
    name: str,
    phone: str | None,
    email: str | None,
    birth_date: date | None,
    consent: bool,
    consent_wording: str,
    language: str,
    store_id: int | None,
    staff_id: int,
    now: datetime,
) -> Member:
    """A new person, a member at once. Whether the phone is known elsewhere is not looked at: nobody is merged."""
    member = Member(ref=new_ref(), created_at=now, language=language, home_store_id=store_id, entry_source="counter")
    session.add(member)
    session.flush()
    joining.register(
        session, member, name=name, phone=phone, email=email, birth_date=birth_date, consent=consent,
        consent_wording=consent_wording, method="counter", now=now,
    )  # fmt: skip
    audit(session, staff_id=staff_id, action="registered", member_id=member.id, now=now)
    return member
