"""Draws that anyone can check afterwards (M81).

Before the first ticket the seed's SHA-256 is shown. When the draw has closed, the refs of the valid tickets are
sorted, written one a line and hashed; the seed is shown; and the tickets stand in the order of
SHA-256(seed + hash of the list + ref). The first ones win, the best prize first.
"""

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import Session

from domain.errors import Conflict, Refusal
from domain.operations import granting, pointing
from domain.wording import mark
from models.member import Member
from models.mission import Draw, Ticket

PIECE = 500


def publish(draw: Draw, *, now: datetime) -> None:
    """Makes the secret seed of a new draw and what is shown of it before."""
    draw.seed = secrets.token_bytes(32)
    draw.seed_hash = hashlib.sha256(draw.seed).hexdigest()
    draw.published_at = now


def has_begun(session: Session, draw: Draw) -> bool:
    """Whether somebody holds a ticket of it: then its prizes and its end stay as they were published."""
    return session.scalar(select(Ticket.id).where(Ticket.draw_id == draw.id).limit(1)) is not None


def valid_tickets(draw: Draw) -> ColumnElement[bool]:
    """The tickets that take part: not withdrawn, of people who are there. Staff and test people do not."""
    gone = select(Member.id).where(
        or_(Member.erased_at.is_not(None), Member.is_staff.is_(True), Member.is_test.is_(True))
    )
    return (Ticket.draw_id == draw.id) & Ticket.withdrawn_at.is_(None) & Ticket.member_id.not_in(gone)


def draw_now(session: Session, draw: Draw, *, now: datetime) -> int:
    """Freezes the list, shows the seed and ranks the tickets, all at once; returns how many won. Twice is once.

    Raises Conflict before the draw has closed. The prizes are given afterwards, by `give_prizes`.
    """
    session.refresh(draw, with_for_update=True)
    if now < draw.closes_at:
        raise Conflict(mark("The draw is still open, so nothing was drawn. Wait until it has closed."))
    if draw.drawn_at is not None:
        return 0
    owners = dict(session.execute(select(Ticket.ref, Ticket.member_id).where(valid_tickets(draw))).all())
    draw.list_hash = hash_of_list(owners)
    draw.drawn_at = now
    ranked = rank(draw.seed, draw.list_hash, owners)
    won = winners(ranked, owners, prizes=_prizes(draw), one_each=draw.one_prize_each)
    _write_places(session, ranked, won)
    return len(won)


def hash_of_list(refs: Any) -> str:
    """SHA-256 of the sorted refs, one a line, without a line end after the last; in hexadecimal."""
    return hashlib.sha256("\n".join(sorted(refs)).encode()).hexdigest()


def rank(seed: bytes, list_hash: str, refs: Any) -> list[str]:
    """The refs in the order they are drawn."""
    start = seed + bytes.fromhex(list_hash)
    return sorted(refs, key=lambda ref: hashlib.sha256(start + ref.encode()).digest())


def winners(ranked: Sequence[str], owners: Any, *, prizes: Sequence[int], one_each: bool) -> dict[str, int]:
    """Which ref gets which prize (from 0), best first; with `one_each`, a person's later tickets are passed over."""
    found, have = dict[str, int](), set[int]()
    left = iter(prizes)
    for ref in ranked:
        if one_each and owners[ref] in have:
            continue
        prize = next(left, None)
        if prize is None:
            break
        found[ref] = prize
        have.add(owners[ref])
    return found


def give_prizes(session: Session, draw: Draw, *, now: datetime, limit: int | None = None) -> int:
    """Gives up to `limit` (PIECE) prizes that were won and not given yet; returns how many were dealt with.

    A prize is given once for its ticket, so whoever was killed before committing begins again where it stopped.
    """
    waiting = select(Ticket).where(
        Ticket.draw_id == draw.id, Ticket.prize.is_not(None), Ticket.given_at.is_(None), Ticket.reason.is_(None)
    )
    tickets = session.scalars(
        waiting.order_by(Ticket.place).limit(limit or PIECE).with_for_update(skip_locked=True)
    ).all()
    # Whoever settles several people takes them in this order too: neither waits for the other.
    pointing.lock(session, {ticket.member_id for ticket in tickets})
    for ticket in tickets:
        _give(session, draw, ticket, now=now)
    session.flush()
    return len(tickets)


def owing() -> Select[int]:
    """Draws with prizes that were won and not dealt with yet."""
    won = Ticket.prize.is_not(None), Ticket.given_at.is_(None), Ticket.reason.is_(None)
    return select(Ticket.draw_id).where(*won).distinct()


def retry_prizes(session: Session, draw: Draw) -> int:
    """Prizes that could not be given are tried again; returns how many."""
    kept = update(Ticket).where(Ticket.draw_id == draw.id, Ticket.prize.is_not(None), Ticket.reason.is_not(None))
    return len(session.execute(kept.values(reason=None).returning(Ticket.id)).all())


def withdraw(session: Session, causes: Sequence[str], *, of: Sequence[int], now: datetime) -> None:
    """The tickets given for these causes take no part any more, where they are not drawn yet; `of` whose they are."""
    for part in _pieces(causes):
        _set(session, part, Ticket.withdrawn_at.is_(None), of=of, at=now)


def restore(session: Session, causes: Sequence[str], *, of: Sequence[int]) -> None:
    """The tickets given for these causes take part again, where they are not drawn yet; `of` whose they are."""
    for part in _pieces(causes):
        _set(session, part, Ticket.withdrawn_at.is_not(None), of=of, at=None)


def _set(
    session: Session, causes: Sequence[str], which: ColumnElement[bool], *, of: Sequence[int], at: datetime | None
) -> None:
    undrawn = select(Draw.id).where(Draw.drawn_at.is_(None))
    named = or_(Ticket.cause.in_(causes), *(Ticket.cause.startswith(f"{each}#", autoescape=True) for each in causes))
    # Only these people's tickets are compared: how a cause begins is nothing an index knows everywhere.
    statement = (
        update(Ticket)
        .where(Ticket.member_id.in_(of), which, named, Ticket.draw_id.in_(undrawn))
        .values(withdrawn_at=at)
    )
    session.execute(statement, execution_options={"synchronize_session": "fetch"})


def _pieces(causes: Sequence[str]) -> Iterator[Sequence[str]]:
    for at in range(0, len(causes), 100):
        yield causes[at : at + 100]


def _prizes(draw: Draw) -> list[int]:
    """The prizes one by one: as many as their counts say, and never more."""
    return [n for n, prize in enumerate(draw.prizes) for _ in range(int(prize.get("count", 1)))]


def _write_places(session: Session, ranked: Sequence[str], won: dict[str, int]) -> None:
    places = {ref: place for place, ref in enumerate(ranked, 1)}
    for at in range(0, len(ranked), PIECE):
        part = ranked[at : at + PIECE]
        for ticket in session.scalars(select(Ticket).where(Ticket.ref.in_(part))):
            ticket.place, ticket.prize = places[ticket.ref], won.get(ticket.ref)
        session.flush()


def _give(session: Session, draw: Draw, ticket: Ticket, *, now: datetime) -> None:
    assert ticket.prize is not None
    benefit = draw.prizes[ticket.prize]["benefit"]
    try:
        with session.begin_nested():
            granting.grant(
                session, member_id=ticket.member_id, benefit=benefit, cause=f"draw:{draw.key}:{ticket.ref}", now=now
            )
    except Refusal as refusal:
        ticket.reason = refusal.code
        return
    ticket.given_at = now
