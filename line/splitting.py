"""A chunk LINE refused for some recipient is split until that one is alone; the others get the message.

Only after a 400 on a chunk with no attempt in doubt: nobody can have got it, so each piece is looked at
anew and gets a key of its own. What LINE says of the message itself splits nothing, and neither does a
chunk of which everything tried so far was refused: then it is not the people.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import String, cast, func, insert, or_, select, update
from sqlalchemy.orm import Session

from line.looking import of_chunks
from line.transport import Answer
from models.campaign import CampaignChunk, Recipient
from models.member import Friend

if TYPE_CHECKING:
    from line.chunks import Chunk

NAMED = re.compile(r"\bto\[(\d+)\]")
ABOUT_THE_MESSAGE = re.compile(r"(?:^|; |property, '?)(?:messages|customAggregationUnits)\b")
# Refused requests of one chunk and its pieces, when none was accepted, and at all.
WITHOUT_SUCCESS, AT_ALL = 6, 60


def split(session: Session, chunk: "Chunk", answer: Answer, *, words: str, now: datetime) -> bool:
    """Puts smaller chunks in this one's place; False when that would help nobody."""
    if answer.status != 400 or not chunk.is_first or ABOUT_THE_MESSAGE.search(answer.words):
        return False
    row = session.get_one(CampaignChunk, (chunk.campaign_id, chunk.no), populate_existing=True)
    ready = select(Recipient.member_id).where(of_chunks([row]), Recipient.state == "ready")
    people = list(session.scalars(ready.order_by(Recipient.member_id)))
    if len(people) < 2 or not _helps(session, row):
        return False
    pieces = _pieces(people, _named(session, row, people, answer.words))
    _replace(session, row, pieces, words=words, now=now)
    return True


def _helps(session: Session, row: CampaignChunk) -> bool:
    origin = row.no if row.origin_no is None else row.origin_no
    family = or_(CampaignChunk.no == origin, CampaignChunk.origin_no == origin)
    count = select(CampaignChunk.state, func.count()).where(CampaignChunk.campaign_id == row.campaign_id, family)
    states: dict[str, int] = dict(session.execute(count.group_by(CampaignChunk.state)).all())
    refused = states.get("split", 0) + states.get("failed", 0)
    return refused < (AT_ALL if states.get("sent") else WITHOUT_SUCCESS)


def _named(session: Session, row: CampaignChunk, people: Sequence[int], words: str) -> set[int]:
    """The places, among `people`, of whom LINE named."""
    kept = select(cast(CampaignChunk.recipients, String)).where(
        CampaignChunk.campaign_id == row.campaign_id, CampaignChunk.no == row.no
    )
    ids = json.loads(session.scalar(kept) or "[]")
    bad = [ids[int(place)] for place in NAMED.findall(words) if int(place) < len(ids)]
    members = set(session.scalars(select(Friend.member_id).where(Friend.user_id.in_(bad))))
    return {place for place, member_id in enumerate(people) if member_id in members}


def _pieces(people: Sequence[int], named: set[int]) -> list[Sequence[int]]:
    """Whom LINE named alone, and what lies between them; two halves when it named nobody."""
    middle = {len(people) // 2}
    cuts = sorted({0, len(people)} | ({edge for place in named for edge in (place, place + 1)} if named else middle))
    return [people[begin:end] for begin, end in pairwise(cuts)]


def _replace(
    session: Session, row: CampaignChunk, pieces: Sequence[Sequence[int]], *, words: str, now: datetime
) -> None:
    greatest = select(func.max(CampaignChunk.no)).where(CampaignChunk.campaign_id == row.campaign_id)
    number = session.scalar(greatest) or 0
    origin = row.no if row.origin_no is None else row.origin_no
    for piece in pieces:
        number += 1
        made = {
            "campaign_id": row.campaign_id, "no": number, "size": len(piece), "origin_no": origin,
            "first_member_id": piece[0], "last_member_id": piece[-1],
        }  # fmt: skip
        session.execute(insert(CampaignChunk), [made])
        moved = update(Recipient).where(
            of_chunks([row]), Recipient.member_id.between(piece[0], piece[-1]), Recipient.state == "ready"
        )
        session.execute(moved.values(chunk_no=number).execution_options(synchronize_session=False))
    row.state, row.settled_at, row.error, row.size, row.recipients = "split", now, words, 0, None
    session.flush()
