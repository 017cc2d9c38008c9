"""Messages to one person: claiming them from the outbox, and writing down what became of each.

Plain database functions; none waits for LINE, and no transaction outlives one (I10).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, or_, select
from sqlalchemy.orm import Session

from line.contact import KEY_LIFE, refusal, settle_recipients
from line.rate import bucket_of, room, slow_down, take
from line.transport import ATTEMPT_SECONDS, Answer, encode
from models.campaign import Campaign, Recipient
from models.channel import Channel, the_channel
from models.clock import Clock, machine_now
from models.member import Friend, Member
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.session import Sessions

LEASE = timedelta(seconds=15)
# An attempt that could outlive its lease is not begun.
START_WITHIN = LEASE.total_seconds() - ATTEMPT_SECONDS
LONGEST_PAUSE = 300.0


@dataclass(frozen=True)
class Letter:
    """A claimed message, ready to leave `wait` seconds after it was claimed."""

    id: int
    fence: int
    endpoint: str
    body: bytes
    retry_key: str | None
    wait: float
    attempts: int
    is_first: bool  # no earlier attempt may have been accepted


@dataclass(frozen=True)
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
        claimed = _claim(session, clock.now(session), limit)
        session.commit()
        return claimed


def _claim(session: Session, now: datetime, limit: int) -> tuple[list[Letter], int]:
    channel, machine = the_channel(session), machine_now(session)
    pushes = bucket_of(session, channel.id, "push")
    replies = bucket_of(session, channel.id, "reply")
    rows = _locked_rows(session, now, machine, min(limit, room(pushes, machine), room(replies, machine)))
    kept = _without_settled(session, rows, now)
    for row in kept:
        row.OutgoingMessage.state = "claimed"
        row.OutgoingMessage.fence += 1
        row.OutgoingMessage.attempts += 1
        row.OutgoingMessage.lease_until = machine + LEASE
    letters = [_letter(row.OutgoingMessage, now) for row in kept]
    waits = {
        endpoint: iter(take(bucket, sum(each["endpoint"] == endpoint for each in letters), machine))
        for endpoint, bucket in (("push", pushes), ("reply", replies))
    }
    return [Letter(**each, wait=next(waits[each["endpoint"]])) for each in letters], len(rows) - len(kept)


def _due(session: Session, now: datetime, machine: datetime) -> Select[*tuple[Any, ...]]:
    """Messages whose time has come and that nobody holds, with what the last look needs to know."""
    message = OutgoingMessage
    due = (
        select(
            message, Member.erased_at, Member.marketing_consent, Friend.is_following,
            message.to.label("user_id"), Campaign.state.label("campaign_state"),
        )
        .join(Member, Member.id == message.member_id)
        .outerjoin(Friend, Friend.member_id == message.member_id)
        .outerjoin(Campaign, Campaign.id == message.campaign_id)
        .where(
            message.state.in_(("queued", "claimed")),
            message.medium == "line",
            message.due_at <= now,
            or_(message.lease_until.is_(None), message.lease_until <= machine),
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
    return OutgoingMessage.reply_token.is_not(None) & (OutgoingMessage.reply_until > now)


def _locked_rows(session: Session, now: datetime, machine: datetime, limit: int) -> list[Row[Any]]:
    """Replies first: their tokens live a minute."""
    due = _due(session, now, machine).with_for_update(skip_locked=True, of=OutgoingMessage)
    replies = list(session.execute(due.where(_is_reply(now)).limit(limit)))
    known = [row.OutgoingMessage.id for row in replies]
    others = due.where(OutgoingMessage.id.not_in(known)).limit(limit - len(replies))
    return [*replies, *session.execute(others)]


def _without_settled(session: Session, rows: list[Row[Any]], now: datetime) -> list[Row[Any]]:
    """The rows to send; the others are settled here, with their reason."""
    kept = []
    settled: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        reason = _why_not(row, now)
        if reason is None:
            kept.append(row)
            continue
        message: OutgoingMessage = row.OutgoingMessage
        # What may have been accepted before cannot be called withheld.
        message.state = "withheld" if message.first_attempt_at is None else "unsure"
        message.reason = reason
        settled.setdefault((message.state, reason), []).append(message.recipient_id or 0)
    for (state, reason), recipients in settled.items():
        settle_recipients(session, Recipient.id.in_(recipients), state, reason=reason, now=now)
    return kept


def _why_not(row: Row[Any], now: datetime) -> str | None:
    message: OutgoingMessage = row.OutgoingMessage
    tried = message.first_attempt_at
    if tried is not None and message.reply_token is not None:
        return "reply_unanswered"  # a reply has no retry key: it is never sent twice blindly
    if tried is not None and now - tried > KEY_LIFE:
        return "too_old"
    if message.expires_at is not None and now >= message.expires_at:
        return "expired"
    if row.campaign_state == "stopped":
        return "stopped"
    return refusal(row, kind=message.kind)


def _letter(message: OutgoingMessage, now: datetime) -> dict[str, Any]:
    """What to send and where; a reply token past its time is let go for good."""
    if message.reply_token is not None and (message.reply_until is None or message.reply_until <= now):
        message.reply_token = None
    is_first = message.first_attempt_at is None
    message.first_attempt_at = message.first_attempt_at or now
    as_reply = message.reply_token is not None
    address = {"replyToken": message.reply_token} if as_reply else {"to": message.to}
    return {
        "id": message.id,
        "fence": message.fence,
        "endpoint": "reply" if as_reply else "push",
        "body": encode({**address, "messages": message.messages}),
        "retry_key": None if as_reply else message.retry_key,
        "attempts": message.attempts,
        "is_first": is_first,
    }


def record(sessions: Sessions, clock: Clock, results: Iterable[Result]) -> int:
    """Writes down what became of claimed messages; returns how many are finished.

    A message taken over by another worker meanwhile is left to it.
    """
    by_id = {result.letter.id: result for result in results}
    with sessions.writing() as session:
        now, machine = clock.now(session), machine_now(session)
        held = select(OutgoingMessage).where(OutgoingMessage.id.in_(by_id), OutgoingMessage.state == "claimed")
        finished: list[OutgoingMessage] = []
        for message in session.scalars(held.with_for_update()):
            result = by_id[message.id]
            if message.fence == result.letter.fence and _apply(message, result, now=now, machine=machine):
                finished.append(message)
        _keep_recipients_in_step(session, finished, now)
        _note_channel(session, [result.answer for result in by_id.values() if result.answer], machine)
        session.commit()
        return len(finished)


def _apply(message: OutgoingMessage, result: Result, *, now: datetime, machine: datetime) -> bool:
    """Changes the row as the answer says; True when it is finished."""
    answer = result.answer
    verdict = answer.verdict if answer else "unreached"
    if answer and verdict == "accepted":
        message.state, message.sent_at, message.request_id = "sent", now, answer.request_id
    elif answer and verdict == "refused" and result.letter.endpoint == "push":
        message.state, message.reason = "failed", f"{answer.status} {answer.words}".strip()
    elif verdict == "unclear" and result.letter.endpoint == "reply":
        message.state, message.reason = "unsure", "reply_unanswered"
    else:
        _put_back(message, result, verdict=verdict, machine=machine)
    return message.state != "queued"


def _put_back(message: OutgoingMessage, result: Result, *, verdict: str, machine: datetime) -> None:
    """To be tried again. What certainly was not accepted counts as never attempted."""
    message.state = "queued"
    message.lease_until = machine + timedelta(seconds=result.pause)
    if verdict == "refused":  # a reply token that is used up or too old: a push it is, at once
        message.reply_token, message.lease_until = None, None
    if verdict != "unclear" and result.letter.is_first:
        message.first_attempt_at = None
    if verdict in {"limited", "out_of_quota"} or result.answer is None:
        message.attempts -= 1


def _keep_recipients_in_step(session: Session, finished: list[OutgoingMessage], now: datetime) -> None:
    groups: dict[tuple[str, str | None], list[int]] = {}
    for message in finished:
        if message.recipient_id is not None:
            reason = f"line_{message.reason[:3]}" if message.state == "failed" and message.reason else message.reason
            groups.setdefault((message.state, reason), []).append(message.recipient_id)
    for (state, reason), ids in groups.items():
        settle_recipients(session, Recipient.id.in_(ids), state, reason=reason, now=now)


def _note_channel(session: Session, answers: list[Answer], machine: datetime) -> None:
    """Too fast: slow down. No quota or no valid token: everything waits until that is over."""
    verdicts = {answer.verdict for answer in answers}
    if verdicts & {"limited", "out_of_quota", "locked_out"}:
        note_trouble(session, the_channel(session), verdicts, ("push", "reply"), machine)


def note_trouble(
    session: Session, channel: Channel, verdicts: set[Any], endpoints: tuple[str, ...], machine: datetime
) -> None:
    for verdict in ("out_of_quota", "locked_out"):
        if verdict in verdicts:
            channel.stopped_reason = verdict
    if "limited" in verdicts:
        for endpoint in endpoints:
            slow_down(bucket_of(session, channel.id, endpoint), machine)
