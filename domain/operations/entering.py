"""Someone enters the mini-app: known from the first touch; each page they open is noted, with what led there."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from domain.operations import befriending, converting
from domain.operations.converting import NOWHERE, Trace
from domain.operations.recording import record
from models.member import Friend, Member

# Coming back to a page within this is the same opening.
SAME_OPENING = timedelta(minutes=5)
FORM_PAGE = "forms/"


def enter(
    session: Session, *, user_id: str, name: str | None, picture_url: str | None, language: str | None, now: datetime
) -> Friend:
    """The person LINE says is there; what LINE shows of them is kept with their friendship."""
    friend = befriending.friend_of(session, user_id, language=language, now=now)
    if friend.member.language is None:
        friend.member.language = language
    if name and (friend.display_name, friend.picture_url) != (name, picture_url):
        friend.display_name, friend.picture_url, friend.profile_at = name, picture_url, now
    session.flush()
    return friend


def opened(session: Session, member: Member, *, page: str, trace: Trace = NOWHERE, now: datetime) -> None:
    """Notes that this person opened `page`; the pages of a key action also begin it (definitions §4.3)."""
    bucket = int(now.timestamp() // SAME_OPENING.total_seconds())
    record(
        session, "opened_app", member_id=member.id, source="liff",
        campaign_id=trace.campaign_id, message_id=trace.message_id,
        data={"page": page}, dedupe_key=f"opened:{member.id}:{page}:{bucket}", now=now,
    )  # fmt: skip
    if page == "join" and not member.is_member:
        _start(session, member, "registration", "registration:card", trace=trace, now=now)
    if page.startswith(FORM_PAGE):
        _start(session, member, "form", f"form:{page.removeprefix(FORM_PAGE)}", trace=trace, now=now)


def _start(session: Session, member: Member, type: str, object: str, *, trace: Trace, now: datetime) -> None:
    converting.start(session, member_id=member.id, type=type, object=object, source="liff", trace=trace, now=now)


def speak(session: Session, member: Member, *, language: str) -> None:
    """From now on we speak this language to this person."""
    member.language = language
    session.flush()
