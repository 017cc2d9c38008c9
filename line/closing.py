"""What became of chunks, and of the campaigns whose last chunk is done."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, exists, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from line.contact import settle_recipients
from line.letters import LONGEST
from line.looking import GREATEST
from line.settling import is_over
from line.splitting import split
from line.transport import Answer
from line.troubles import NO_ATTEMPT, note_trouble
from models.campaign import OPEN_CHUNKS, Campaign, CampaignChunk, Recipient
from models.clock import Clock, is_free, machine_now
from models.rows import among
from models.session import Sessions

if TYPE_CHECKING:
    from line.chunks import Chunk


@dataclass(frozen=True)
class ChunkResult:
    """The answers to a chunk's requests, in their order; None where one was not made after all."""

    chunk: "Chunk"
    answers: list[Answer | None]
    pause: float = 0.0


Change = tuple[ChunkResult, dict[str, Any]]  # the columns of its chunk that change


def record(sessions: Sessions, clock: Clock, results: Iterable[ChunkResult]) -> int:
    """Writes down what became of claimed chunks; returns how many requests were settled."""
    settled = 0
    with sessions.writing() as session:
        now, machine = clock.now(session), machine_now(session)
        ours = _still_ours(session, list(results))
        multicasts = [each for each in ours if each.chunk.endpoint == "multicast"]
        settled += _record_multicasts(session, multicasts, now, machine)
        settled += _record_pushes(session, [each for each in ours if each.chunk.endpoint != "multicast"], now, machine)
        answers = [(each.chunk.endpoint, answer.verdict) for each in ours for answer in each.answers if answer]
        limited = {endpoint for endpoint, verdict in answers if verdict == "limited"}
        note_trouble(session, {verdict for _, verdict in answers}, limited, machine, now)
        session.commit()
    return settled


def _still_ours(session: Session, results: list[ChunkResult]) -> list[ChunkResult]:
    """Those whose claim nobody has taken over; locked, in the order everyone locks them in."""
    chunk = CampaignChunk
    names = [(result.chunk.campaign_id, result.chunk.no) for result in results]
    held = select(chunk.campaign_id, chunk.no, chunk.fence).where(
        tuple_(chunk.campaign_id, chunk.no).in_(names), chunk.state == "claimed"
    )
    rows = session.execute(held.order_by(chunk.campaign_id, chunk.no).with_for_update()).all()
    fences = {(row.campaign_id, row.no): row.fence for row in rows}
    return [each for each in results if fences.get((each.chunk.campaign_id, each.chunk.no)) == each.chunk.fence]


def _record_multicasts(session: Session, results: Sequence[ChunkResult], now: datetime, machine: datetime) -> int:
    """One row a chunk; its people follow later (line/settling.py). Those accepted first: they vouch for the message."""
    values, refused, settled = [], [], 0
    going_back: list[Change] = []
    for result in results:
        answer = result.answers[0]
        if answer and answer.verdict == "accepted":
            done = {
                "state": "sent",
                "sent_at": now,
                "request_id": (answer.request_id or "")[:64] or None,
                "error": None,
            }
            values.append({**_name(result), **done})
            settled += 1
        elif answer and answer.verdict == "refused":
            refused.append((result, answer))
        else:
            going_back.append((result, _goes_back(result, machine)))
    _write(session, going_back)
    if values:
        session.execute(update(CampaignChunk), values)
    for result, answer in refused:
        settled += 1
        words = _words(answer)
        if not split(session, result.chunk, answer, words=words, now=now):
            failed = {"state": "failed", "reason": f"line_{answer.status}", "error": words}
            session.execute(update(CampaignChunk), [{**_name(result), **failed}])
    return settled


def _record_pushes(session: Session, results: Sequence[ChunkResult], now: datetime, machine: datetime) -> int:
    """Each person's own outcome, those with the same one together; then what is left of each chunk."""
    groups: dict[tuple[str, str | None], list[int | None]] = {}
    for result in results:
        for request, answer in zip(result.chunk.requests, result.answers, strict=True):
            if answer and answer.verdict == "accepted":
                groups.setdefault(("sent", None), []).append(request.recipient_id)
            elif answer and answer.verdict == "refused":
                groups.setdefault(("failed", f"line_{answer.status}"), []).append(request.recipient_id)
    for (state, reason), ids in groups.items():
        settle_recipients(session, among(session, Recipient.id, ids), state, reason=reason, now=now)
    unfinished = _with_somebody_left(session, results)
    changes: list[Change] = []
    for result in results:
        if (result.chunk.campaign_id, result.chunk.no) in unfinished:
            changes.append((result, _goes_back(result, machine)))
        else:
            error = next((_words(each) for each in result.answers if each and each.verdict == "refused"), None)
            changes.append((result, {"state": "sent", "sent_at": now, "settled_at": now, "error": error}))
    _write(session, changes)
    return sum(map(len, groups.values()))


def _with_somebody_left(session: Session, results: Sequence[ChunkResult]) -> set[tuple[int, int]]:
    """The chunks, of these, that have people still to be sent to."""
    chunk = CampaignChunk
    left = exists().where(
        Recipient.campaign_id == chunk.campaign_id,
        Recipient.member_id.between(
            func.coalesce(chunk.first_member_id, 0), func.coalesce(chunk.last_member_id, GREATEST)
        ),
        Recipient.chunk_no == chunk.no,
        Recipient.state == "ready",
    )
    found: set[tuple[int, int]] = set()
    for campaign_id, numbers in _by_campaign(results).items():
        those = select(chunk.no).where(chunk.campaign_id == campaign_id, chunk.no.in_(numbers), left)
        found |= {(campaign_id, no) for no in session.scalars(those)}
    return found


def _by_campaign(results: Iterable[ChunkResult]) -> dict[int, list[int]]:
    numbers: dict[int, list[int]] = {}
    for result in results:
        numbers.setdefault(result.chunk.campaign_id, []).append(result.chunk.no)
    return numbers


def _write(session: Session, changes: Iterable[Change]) -> None:
    """Changes of chunks; those that become the same, in one statement."""
    alike: dict[tuple[tuple[str, Any], ...], list[ChunkResult]] = {}
    for result, values in changes:
        alike.setdefault(tuple(sorted(values.items())), []).append(result)
    for pairs, results in alike.items():
        for campaign_id, numbers in _by_campaign(results).items():
            those = update(CampaignChunk).where(CampaignChunk.campaign_id == campaign_id, CampaignChunk.no.in_(numbers))
            session.execute(those.values(dict(pairs)).execution_options(synchronize_session=False))


def _goes_back(result: ChunkResult, machine: datetime) -> dict[str, Any]:
    """To be tried again with the same key."""
    troubles = [answer for answer in result.answers if answer and answer.verdict != "accepted"]
    verdicts = {answer.verdict for answer in troubles}
    values: dict[str, Any] = {"state": "ready", "lease_until": machine + timedelta(seconds=result.pause)}
    if troubles:
        values["error"] = _words(troubles[-1])
    if verdicts <= set(NO_ATTEMPT):
        values["attempts"] = max(0, result.chunk.attempts - 1)
    # What certainly was not accepted counts as never attempted: it may wait longer than a key lives,
    # and whoever refuses meanwhile is found by another last look (I13).
    if "unclear" not in verdicts and result.chunk.is_first:
        values |= {"first_attempt_at": None, "recipients": None, "retry_key": None}
    return values


def _name(result: ChunkResult) -> dict[str, int]:
    return {"campaign_id": result.chunk.campaign_id, "no": result.chunk.no}


def _words(answer: Answer) -> str:
    return f"{answer.status or ''} {answer.words}".strip()[:500]


def has_open_ends(session: Session) -> bool:
    """Whether something waits to be closed: people of a chunk that is done, a campaign that is, one stopped midway."""
    ends = (select(CampaignChunk.no).where(is_over()), _finished(), _stopped_open(), _closed_too_soon())
    return any(session.execute(each.limit(1)).first() for each in ends)


def _finished() -> Any:
    open_one = exists().where(CampaignChunk.campaign_id == Campaign.id, CampaignChunk.settled_at.is_(None))
    return select(Campaign.id).where(Campaign.state == "sending", ~open_one)


def _stopped_open() -> Any:
    return (
        select(CampaignChunk.campaign_id, CampaignChunk.no, CampaignChunk.first_attempt_at)
        .join(Campaign, Campaign.id == CampaignChunk.campaign_id)
        .where(
            Campaign.state.in_(("stopped", "cancelled")),
            CampaignChunk.settled_at.is_(None),
            CampaignChunk.state.in_(OPEN_CHUNKS),
        )
    )


def _closed_too_soon() -> Any:
    """By a sender of the version before, which knew of no chunks whose values are still being written."""
    open_ones = select(CampaignChunk.campaign_id).where(
        CampaignChunk.settled_at.is_(None), CampaignChunk.state.in_(OPEN_CHUNKS)
    )
    return select(Campaign.id).where(Campaign.id.in_(open_ones), Campaign.state == "sent")


def withhold_stopped(session: Session, machine: datetime) -> None:
    """What was stopped before it left is withheld."""
    session.flush()
    free = is_free(CampaignChunk.lease_until, machine, longest=LONGEST)
    stopped = _stopped_open().where(or_(CampaignChunk.state != "claimed", free))
    rows = session.execute(stopped.with_for_update(skip_locked=True, of=CampaignChunk)).all()
    if rows:
        names = tuple_(CampaignChunk.campaign_id, CampaignChunk.no)
        # An attempt that nobody saw the end of may have been accepted.
        state = case((CampaignChunk.first_attempt_at.is_(None), "withheld"), else_="unsure")
        over = update(CampaignChunk).where(names.in_([(row.campaign_id, row.no) for row in rows]))
        over = over.values(state=state, reason="stopped", fence=CampaignChunk.fence + 1)
        session.execute(over.execution_options(synchronize_session=False))


def finish_campaigns(session: Session, now: datetime) -> None:
    """Campaigns whose chunks are all settled are sent; one that was called so too soon goes on."""
    session.flush()
    # The state is asked of the row itself: who stops or pauses it this very moment wins.
    done = update(Campaign).where(Campaign.state == "sending", Campaign.id.in_(_finished()))
    reopened = update(Campaign).where(Campaign.state == "sent", Campaign.id.in_(_closed_too_soon()))
    for change, values in (
        (done, {"state": "sent", "state_at": now, "finished_at": now}),
        (reopened, {"state": "sending", "state_at": now, "finished_at": None}),
    ):
        session.execute(change.values(values).execution_options(synchronize_session="fetch"))
