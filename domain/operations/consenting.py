"""Marketing consent: given with its wording and time, refused with effect from that moment."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.operations.recording import record
from models.member import Member


def agree(
    session: Session, member: Member, *, wording: str, source: str, topic: str = "marketing", now: datetime
) -> None:
    """They want to hear from us; `wording` is what they agreed to, word for word."""
    _decide(session, member, agreed=True, wording=wording, source=source, topic=topic, now=now)


def refuse(
    session: Session, member: Member, *, wording: str, source: str, topic: str = "marketing", now: datetime
) -> None:
    """They do not. What already waits in the outbox is kept back by the sender's last look."""
    _decide(session, member, agreed=False, wording=wording, source=source, topic=topic, now=now)


def _decide(
    session: Session, member: Member, *, agreed: bool, wording: str, source: str, topic: str, now: datetime
) -> None:
    member.marketing_consent, member.marketing_consent_at = agreed, now
    record(
        session, "consented" if agreed else "refused", member_id=member.id, source=source,
        data={"wording": wording, "topic": topic}, now=now,
    )  # fmt: skip
    session.flush()
