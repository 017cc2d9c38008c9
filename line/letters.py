"""Messages to one person: claiming them from the outbox, and writing down what became of each.

Plain database functions; none waits for LINE, and no transaction outlives one (I10). Both work on many rows
with few statements: a row costs as little as it can.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Integer,
    Row,
    Select,
    String,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    update,
)  # fmt: skip
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from line.contact import KEY_LIFE, refusal, settle_recipients
from line.rate import bucket_of, room, take
from line.transport import ATTEMPT_SECONDS, Answer, encode
from line.troubles import NO_ATTEMPT, note_trouble
from models.base import BigInt, UtcDateTime
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.clock import Clock, is_free, machine_now
from models.member import Friend, Member
from models.outbox import WAITING, OutgoingMessage
from models.programme import the_brand
from models.rows import stamp, table_of
from models.session import Sessions
from models.staff import care_is_open

LEASE = timedelta(seconds=15)
LONGEST = timedelta(minutes=10)  # no lease and no pause is longer
# An attempt that could outlive its lease is not begun.
START_WITHIN = LEASE.total_seconds() - ATTEMPT_SECONDS
message = OutgoingMessage
# Written out, so that the partial index can be used whatever else the statement is given.
IS_WAITING = literal_column(f"outgoing_message.{WAITING}", Boolean)


@dataclass(frozen=True, slots=True)
class Letter:
    """A claimed message, ready to leave at `moment` of the shared clock."""

    id: int
    fence: int
    endpoint: str
    body: bytes
    retry_key: str | None
    moment: float
    attempts: int
    is_first: bool  # no earlier attempt may have been accepted
    campaign_id: int | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a letter. `answer` is None when it was not tried after all."""

    letter: Letter
    answer: Answer | None
    pause: float = 0.0


def claim(sessions: Sessions, clock: Clock, *, limit: int) -> tuple[list[Letter], int]:
    """Takes up to `limit` due messages; also returns how many were settled without sending."""
    with sessions.reading() as session:
        if not session.execute(_due(session, clock.now(session), machine_now(session)).limit(1)).first():
            return [], 0
    with sessions.writing() as session:
        claimed = _claim(session, clock, limit)
        session.commit()
        return claimed


def _claim(session: Session, clock: Clock, limit: int) -> tuple[list[Letter], int]:
    now, channel, machine = clock.now(session), the_channel(session), machine_now(session)
    shared = clock.shared_now(session)  # how old an attempt is must not depend on which host asks
    free = min(room(bucket_of(session, channel.id, name, lock=False), machine) for name in ("push", "reply"))
    rows = _locked_rows(session, now, machine, min(limit, free))
    kept = _without_settled(session, rows, now, shared)
    _make_ours(session, [row.id for row in kept], machine + LEASE, now, shared)
    ways = ["reply" if _has_token(row, now) else "push" for row in kept]
    moments = _moments(session, channel.id, ways)
    letters = [_letter(row, way, next(moments[way])) for row, way in zip(kept, ways, strict=True)]
    return letters, len(rows) - len(kept)


def _moments(session: Session, channel_id: int, ways: list[str]) -> dict[str, Any]:
    """A moment for each; last of all, so that other hosts wait for the bucket no longer than they must."""
    taken = {}
    for way in sorted(set(ways)):
        bucket = bucket_of(session, channel_id, way)
        taken[way] = iter(take(bucket, ways.count(way), machine_now(session)))
    return taken


def _due(session: Session, now: datetime, machine: datetime) -> Select[*tuple[Any, ...]]:
    """Messages whose time has come and that nobody holds, with what the last look and the body need."""
    due = (
        select(
            message.id, message.fence, message.attempts, cast(message.messages, String).label("messages"),
            message.to.label("user_id"), message.kind, message.retry_key, message.reply_token, message.reply_until,
            message.first_attempt_at, message.expires_at, message.recipient_id, message.campaign_id,
            Member.erased_at, Member.marketing_consent, Friend.is_following, Campaign.state.label("campaign_state"),
            care_is_open(message.member_id).label("care_is_open"),
        )
        .join(Member, Member.id == message.member_id)
        .outerjoin(Friend, Friend.member_id == message.member_id)
        .outerjoin(Campaign, Campaign.id == message.campaign_id)
        .where(
            IS_WAITING,
            message.medium == "line",
            message.due_at <= now,
            is_free(message.lease_until, machine, longest=LONGEST),
            or_(Campaign.state.is_(None), Campaign.state != "paused"),
        )
        .order_by(message.due_at, message.id)
    )  # fmt: skip
    # Whatever held it up, marketing does not leave in quiet hours; answers and bookings do.
    if the_brand(session).is_quiet(now):
        due = due.where(message.kind != "marketing")
    # Replies are free and work whatever the quota says; the rest waits until the channel is fine again.
    return due.where(_is_reply(now)) if the_channel(session).stopped_reason else due


def _is_reply(now: datetime) -> ColumnElement[bool]:
    return message.reply_token.is_not(None) & (message.reply_until > now)


def _has_token(row: Row[Any], now: datetime) -> bool:
    return row.reply_token is not None and row.reply_until is not None and row.reply_until > now


def _locked_rows(session: Session, now: datetime, machine: datetime, limit: int) -> list[Row[Any]]:
    """Replies first: their tokens live a minute."""
    due = _due(session, now, machine).with_for_update(skip_locked=True, of=message)
    replies = list(session.execute(due.where(_is_reply(now)).limit(limit)))
    known = [row.id for row in replies]
    others = due.where(message.id.not_in(known)) if known else due
    return [*replies, *session.execute(others.limit(limit - len(replies)))]


def _without_settled(session: Session, rows: list[Row[Any]], now: datetime, shared: datetime) -> list[Row[Any]]:
    """The rows to send; the others are settled here, with their reason."""
    kept = []
    settled: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in rows:
        reason = _why_not(row, now, shared)
        if reason is None:
            kept.append(row)
            continue
        # What may have been accepted before cannot be called withheld.
        state = "withheld" if row.first_attempt_at is None else "unsure"
        settled.setdefault((state, reason), []).append(row)
    for (state, reason), those in settled.items():
        which = update(message).where(message.id.in_([row.id for row in those]))
        session.execute(which.values(state=state, reason=reason).execution_options(synchronize_session=False))
        recipients = [row.recipient_id for row in those if row.recipient_id is not None]
        if recipients:
            settle_recipients(session, Recipient.id.in_(recipients), state, reason=reason, now=now)
    return kept


def _why_not(row: Row[Any], now: datetime, shared: datetime) -> str | None:
    tried = row.first_attempt_at
    if tried is not None and row.reply_token is not None:
        return "reply_unanswered"  # a reply has no retry key: it is never sent twice blindly
    if tried is not None and shared - tried > KEY_LIFE:
        return "too_old"
    if row.expires_at is not None and now >= row.expires_at:
        return "expired"
    if row.campaign_state == "stopped":
        return "stopped"
    return refusal(row, kind=row.kind)


def _make_ours(session: Session, ids: list[int], until: datetime, now: datetime, shared: datetime) -> None:
    """Leased to this sender; a reply token past its time is let go for good."""
    if not ids:
        return
    ours = update(message).where(message.id.in_(ids)).values(
        state="claimed", fence=message.fence + 1, attempts=message.attempts + 1, lease_until=until,
        first_attempt_at=func.coalesce(message.first_attempt_at, shared, type_=UtcDateTime()),
        reply_token=case((message.reply_until > now, message.reply_token)),
    )  # fmt: skip
    session.execute(ours.execution_options(synchronize_session=False))


def _letter(row: Row[Any], endpoint: str, moment: float) -> Letter:
    """What to send and where. The messages go as the database writes them: the same at every attempt."""
    as_reply = endpoint == "reply"
    address = {"replyToken": row.reply_token} if as_reply else {"to": row.user_id}
    return Letter(
        id=row.id,
        fence=row.fence + 1,
        endpoint=endpoint,
        body=b'%s,"messages":%s}' % (encode(address)[:-1], row.messages.encode()),
        retry_key=None if as_reply else row.retry_key,
        moment=moment,
        attempts=row.attempts + 1,
        is_first=row.first_attempt_at is None,
        campaign_id=row.campaign_id,
    )


def record(sessions: Sessions, clock: Clock, results: Iterable[Result]) -> int:
    """Writes down what became of claimed messages; returns how many are finished.

    A message taken over by another worker meanwhile is left to it.
    """
    those = list(results)
    with sessions.writing() as session:
        now, machine = clock.now(session), machine_now(session)
        changed = session.execute(_outcomes(session, [_outcome(session, each, now, machine) for each in those])).all()
        finished = [row for row in changed if row.state != "queued"]
        _keep_recipients_in_step(session, finished, now)
        answers = [(each.letter.endpoint, each.answer.verdict) for each in those if each.answer]
        limited = {endpoint for endpoint, verdict in answers if verdict == "limited"}
        note_trouble(session, {verdict for _, verdict in answers}, limited, machine, now)
        session.commit()
        return len(finished)


COLUMNS: dict[str, TypeEngine[Any]] = {
    "id": BigInt, "fence": Integer(), "state": String(), "reason": String(), "sent_at": UtcDateTime(),
    "request_id": String(), "lease_until": UtcDateTime(), "uncounted": Integer(), "forgets_attempt": Boolean(),
    "forgets_token": Boolean(),
}  # fmt: skip


def _outcomes(session: Session, rows: Sequence[Sequence[Any]]) -> Any:
    """One statement for all: each row as its own outcome says, if it is still ours."""
    new = table_of(session, "outcome", COLUMNS, rows).c
    change = update(message).where(message.id == new.id, message.fence == new.fence, message.state == "claimed")
    return (
        change.values(
            state=new.state, reason=new.reason, sent_at=new.sent_at, request_id=new.request_id,
            lease_until=new.lease_until, attempts=message.attempts - new.uncounted,
            first_attempt_at=case((new.forgets_attempt, None), else_=message.first_attempt_at),
            reply_token=case((new.forgets_token, None), else_=message.reply_token),
        )
        .returning(message.id, message.recipient_id, message.state, message.reason)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _outcome(session: Session, result: Result, now: datetime, machine: datetime) -> tuple[Any, ...]:
    """What the answer makes of the row, in the order of COLUMNS."""
    letter, answer = result.letter, result.answer
    verdict = answer.verdict if answer else "unreached"
    held = (letter.id, letter.fence)
    if answer and verdict == "accepted":
        return (*held, "sent", None, stamp(session, now), answer.request_id, None, 0, False, False)
    if answer and verdict == "refused" and letter.endpoint == "push":
        words = f"{answer.status} {answer.words}".strip()
        return (*held, "failed", words, None, answer.request_id, None, 0, False, False)
    if verdict == "unclear" and letter.endpoint == "reply":
        return (*held, "unsure", "reply_unanswered", None, None, None, 0, False, False)
    # To be tried again. What certainly was not accepted counts as never attempted. A reply token that is
    # used up or too old: a push it is, at once.
    is_spent = verdict == "refused"
    until = None if is_spent else stamp(session, machine + timedelta(seconds=result.pause))
    uncounted = int(verdict in NO_ATTEMPT or answer is None)
    return (*held, "queued", None, None, None, until, uncounted, verdict != "unclear" and letter.is_first, is_spent)


def _keep_recipients_in_step(session: Session, finished: Sequence[Row[Any]], now: datetime) -> None:
    groups: dict[tuple[str, str | None], list[int]] = {}
    for row in finished:
        if row.recipient_id is not None:
            reason = f"line_{row.reason[:3]}" if row.state == "failed" and row.reason else row.reason
            groups.setdefault((row.state, reason), []).append(row.recipient_id)
    for (state, reason), ids in groups.items():
        settle_recipients(session, Recipient.id.in_(ids), state, reason=reason, now=now)
