"""What became of chunks, and of the campaigns whose last chunk is done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, update
from sqlalchemy.orm import Session

from line.contact import settle_recipients
from line.transport import Answer
from line.troubles import note_trouble
from models.campaign import Campaign, CampaignChunk, Recipient
from models.clock import Clock, machine_now
from models.session import Sessions

if TYPE_CHECKING:
    from line.chunks import Chunk

OPEN = ("ready", "claimed")


@dataclass(frozen=True)
class ChunkResult:
    """The answers to a chunk's requests, in their order; None where one was not made after all."""

    chunk: "Chunk"
    answers: list[Answer | None]
    pause: float = 0.0


def record(sessions: Sessions, clock: Clock, results: Iterable[ChunkResult]) -> int:
    """Writes down what became of claimed chunks; returns how many requests were settled."""
    settled = 0
    with sessions.writing() as session:
        now, machine = clock.now(session), machine_now(session)
        for result in results:
            settled += _apply(session, result, now=now, machine=machine)
            verdicts = {answer.verdict for answer in result.answers if answer}
            note_trouble(session, verdicts, (result.chunk.endpoint,), machine, now)
        close_campaigns(session, machine, now)
        session.commit()
    return settled


def _apply(session: Session, result: ChunkResult, *, now: datetime, machine: datetime) -> int:
    mine = result.chunk
    chunk = session.get(CampaignChunk, (mine.campaign_id, mine.no), with_for_update=True, populate_existing=True)
    if chunk is None or chunk.fence != mine.fence or chunk.state != "claimed":
        return 0  # another worker has taken it over
    settled = 0
    of_chunk = (Recipient.campaign_id == mine.campaign_id) & (Recipient.chunk_no == mine.no)
    for (state, reason), ids in _grouped(result).items():
        which = of_chunk if None in ids else of_chunk & Recipient.id.in_(ids)
        settle_recipients(session, which, state, reason=reason, now=now)
        settled += len(ids)
    _move_on(session, chunk, result, of_chunk, machine)
    return settled


def _grouped(result: ChunkResult) -> dict[tuple[str, str | None], list[int | None]]:
    """Recipients by what certainly became of them. None stands for everyone in a multicast."""
    groups: dict[tuple[str, str | None], list[int | None]] = {}
    for request, answer in zip(result.chunk.requests, result.answers, strict=True):
        if answer and answer.verdict == "accepted":
            groups.setdefault(("sent", None), []).append(request.recipient_id)
        elif answer and answer.verdict == "refused":
            groups.setdefault(("failed", f"line_{answer.status}"), []).append(request.recipient_id)
    return groups


def _move_on(
    session: Session, chunk: CampaignChunk, result: ChunkResult, of_chunk: ColumnElement[bool], machine: datetime
) -> None:
    """Done, or back to be tried again with the same key."""
    troubles = [answer for answer in result.answers if answer and answer.verdict != "accepted"]
    if troubles:
        chunk.error = f"{troubles[-1].status or ''} {troubles[-1].words}".strip()[:500]
    left = session.scalar(select(exists().where(of_chunk, Recipient.state == "ready")))
    if not left:
        all_refused = result.chunk.endpoint == "multicast" and bool(troubles)
        chunk.state = "failed" if all_refused else "sent"
        return
    chunk.state, chunk.lease_until = "ready", machine + timedelta(seconds=result.pause)
    # What certainly was not accepted counts as never attempted: it may wait longer than a key lives,
    # and whoever refuses meanwhile is found by another last look (I13).
    is_clear = all(answer is None or answer.verdict != "unclear" for answer in result.answers)
    if is_clear and result.chunk.is_first:
        chunk.first_attempt_at = chunk.recipients = None


def has_open_ends(session: Session) -> bool:
    """Whether a campaign waits to be closed: its last chunk is done, or it was stopped midway."""
    return bool(session.execute(_finished().limit(1)).first() or session.execute(_stopped_open().limit(1)).first())


def _finished() -> Any:
    of_it = exists().where(CampaignChunk.campaign_id == Campaign.id, CampaignChunk.state.in_(OPEN))
    return select(Campaign.id).where(Campaign.state == "sending", ~of_it)


def _stopped_open() -> Any:
    return (
        select(CampaignChunk)
        .join(Campaign, Campaign.id == CampaignChunk.campaign_id)
        .where(Campaign.state == "stopped", CampaignChunk.state.in_(OPEN))
    )


def close_campaigns(session: Session, machine: datetime, now: datetime) -> None:
    """Campaigns without open chunks are sent; what was stopped before it left is withheld."""
    session.flush()
    free = or_(CampaignChunk.lease_until.is_(None), CampaignChunk.lease_until <= machine)
    stopped = _stopped_open().where(or_(CampaignChunk.state == "ready", and_(CampaignChunk.state == "claimed", free)))
    for chunk in session.scalars(stopped.with_for_update(skip_locked=True, of=CampaignChunk)).all():
        # An attempt that nobody saw the end of may have been accepted.
        state = "withheld" if chunk.first_attempt_at is None else "unsure"
        of_chunk = (Recipient.campaign_id == chunk.campaign_id) & (Recipient.chunk_no == chunk.no)
        settle_recipients(session, of_chunk, state, reason="stopped", now=now)
        chunk.state, chunk.error = "unsure" if state == "unsure" else "failed", "stopped"
        chunk.fence += 1
    done = update(Campaign).where(Campaign.id.in_(_finished()))
    session.execute(
        done.values(state="sent", state_at=now, finished_at=now).execution_options(synchronize_session="fetch")
    )
