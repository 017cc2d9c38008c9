"""What opening a page begins: the start of a conversion, with the send that led here."""

from collections.abc import Collection

import structlog
from sqlalchemy.exc import OperationalError

import door
from domain.operations import converting
from liff import session
from models.member import Member

log = structlog.get_logger()


def note_starts(member: Member, *, type: str, objects: Collection[str]) -> None:
    """Records the starts not yet recorded today. Looking comes first, so that looking again writes nothing."""
    now = door.now()
    fresh = set(objects) - converting.started_today(door.session(), member.id, objects, now=now)
    if not fresh:
        return
    try:
        with door.writing() as own:
            for each in sorted(fresh):
                converting.start(
                    own, member_id=member.id, type=type, object=each, source="liff", trace=session.trace(), now=now
                )
    except OperationalError as error:
        # The page opens all the same; a completion adds the start it lacks, marked implied.
        log.warning("start not recorded", objects=sorted(fresh), error=str(error.orig))
