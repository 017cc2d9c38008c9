"""Keeps the tier ledger in step with what people spent, and tells them when they rose (definitions §7).

The ledger is derived: a person's history is replayed (`domain/scores/tier.py`) and what the ledger lacks
is added. When late data changes the past, the past stays as written and one line corrects it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.benefits import tier_floor
from domain.calendar import Calendar, calendar_of
from domain.messages import tier_up
from domain.operations import speaking, tier_history
from domain.operations.recording import is_news
from domain.scores.tier import BY_HAND, ENDED, Floor, Move, replay
from models.member import Member
from models.merge import via_of
from models.programme import Tier, TierLine
from models.rows import among, insert_many

BATCH = 500
GIVEN = ("granted", BY_HAND, ENDED)  # inputs of the replay, not its results


def settle(session: Session, member_ids: Collection[int], *, is_history: bool = False, now: datetime) -> int:
    """Brings the tiers of these people up to `now`; returns how many ledger lines were added.

    Safe to repeat: a line is identified by its cause. `is_history`: what moved them came from a file, so
    nobody is told.
    """
    ladder = list(session.scalars(select(Tier).order_by(Tier.rank)))
    if not ladder:
        return 0
    ids = sorted(set(member_ids))
    return sum(
        _settle_batch(session, ids[at : at + BATCH], ladder, is_history=is_history, now=now)
        for at in range(0, len(ids), BATCH)
    )


def due_for_settling(session: Session, *, now: datetime) -> Iterator[int]:
    """People whose period or grace has ended: what the night must look at besides fresh purchases."""
    today = calendar_of(session).day_of(now)
    due = select(Member.id).where(Member.tier_until < today).order_by(Member.id)
    newcomers = select(Member.id).where(Member.registered_at.is_not(None), Member.tier_id.is_(None))
    yield from session.scalars(due)
    yield from session.scalars(newcomers)


def grant_floor(
    session: Session,
    member_id: int,
    *,
    tier: Tier,
    until: date,
    reason: str,
    cause: str,
    evidence: dict[str, Any] | None = None,
    now: datetime,
) -> TierLine | None:
    """A person stands on `tier` at least until the end of `until`, by reward or by hand; None when `cause` was used.

    Whoever is there or above keeps what they have; it is written down all the same. `reason` is one of GIVEN,
    `evidence` says more of it: of one set by hand, who set it and why.
    """
    assert reason in GIVEN
    line = tier_floor.write(
        session, member_id, tier=tier, until=until, reason=reason, cause=cause, evidence=evidence, now=now
    )
    if line is not None:
        settle(session, [member_id], now=now)
    return line


def _settle_batch(session: Session, ids: Sequence[int], ladder: list[Tier], *, is_history: bool, now: datetime) -> int:
    calendar = calendar_of(session)
    members = _locked(session, ids)
    rules = tier_history.rules_of(session, ladder)
    spends, lines = tier_history.counting(session, ids, rules, calendar), _ledger(session, ids)
    rows: list[dict[str, Any]] = []
    for member_id, member in members.items():
        if member.registered_at is None:
            member.tier_id = member.tier_since = member.tier_until = None
            continue
        floors = [_floor(line, ladder, calendar) for line in lines[member_id] if line.reason in GIVEN]
        moves = replay(spends[member_id], floors, rules, today=calendar.day_of(now), moment_of=calendar.start)
        known = None if is_history else now
        fresh = _stand(member, moves, lines[member_id], ladder, calendar=calendar, now=now)
        via = via_of(session, member_id)
        rows += [{**_line(member, move, ladder, calendar, known), "via_id": via} for move in fresh]
        if not is_history:
            _tell(session, member, fresh, ladder, now=now)
    session.flush()
    insert_many(session, TierLine, rows)
    return len(rows)


def _locked(session: Session, ids: Sequence[int]) -> dict[int, Member]:
    """The people, each settled by one transaction at a time, always in the same order."""
    session.flush()
    rows = (
        select(Member)
        .where(among(session, Member.id, ids))
        .order_by(Member.id)
        .with_for_update(of=Member, key_share=True)
    )
    return {each.id: each for each in session.scalars(rows.execution_options(populate_existing=True))}


def _ledger(session: Session, ids: Sequence[int]) -> dict[int, list[TierLine]]:
    lines: dict[int, list[TierLine]] = defaultdict(list)
    for line in session.scalars(select(TierLine).where(among(session, TierLine.member_id, ids)).order_by(TierLine.id)):
        lines[line.member_id].append(line)
    return lines


def _floor(line: TierLine, ladder: list[Tier], calendar: Calendar) -> Floor:
    rank = next(tier.rank for tier in ladder if tier.id == line.tier_id)
    until = calendar.day_of(line.until) if line.until else date.max
    return Floor(line.at, calendar.day_of(line.at), until, rank, line.reason, line.cause)


def _stand(
    member: Member, moves: list[Move], lines: list[TierLine], ladder: list[Tier], *, calendar: Calendar, now: datetime
) -> list[Move]:
    """Puts the member's present tier in step with the moves; returns those the ledger lacks."""
    written = {line.cause for line in lines}
    fresh = [move for move in [_joining(member, calendar), *moves] if _cause(member, move) not in written]
    rank, until = (moves[-1].rank, moves[-1].until) if moves else (0, None)
    told = bool(moves) and moves[-1].reason in GIVEN and moves[-1].cause == lines[-1].cause
    if lines and not fresh and not told and ladder[rank].id != member.tier_id:
        # Late data unmade what was written: the past stays as written, this line says where it led.
        today = calendar.day_of(now)
        cause = f"recomputed:{now.isoformat()}:{len(lines)}"
        fresh = [Move(now, today, rank, _rank(ladder, member.tier_id), "recomputed", until, 0, cause)]
    member.tier_id, member.tier_until, member.tier_since = ladder[rank].id, until, _since(member, moves)
    return fresh


def _since(member: Member, moves: Sequence[Move]) -> datetime | None:
    """Since when they stand where their moves have led them."""
    here = list(takewhile(lambda move: move.rank == moves[-1].rank, reversed(moves)))
    return here[-1].at if here else member.registered_at


def restate(session: Session, member_ids: Collection[int], *, after: int, now: datetime) -> None:
    """Of people who were parted: computed lines that only stood while their records were one are taken out.

    `after`: the id of the latest line of anybody when they were joined. What was given to them stays.
    """
    ladder = list(session.scalars(select(Tier).order_by(Tier.rank)))
    calendar, rules = calendar_of(session), tier_history.rules_of(session, ladder) if ladder else []
    members = _locked(session, sorted(member_ids)) if ladder else {}
    spends, lines = tier_history.counting(session, list(members), rules, calendar), _ledger(session, list(members))
    for member_id, member in members.items():
        moves: list[Move] = []
        if member.registered_at is not None:
            floors = [_floor(line, ladder, calendar) for line in lines[member_id] if line.reason in GIVEN]
            moves = replay(spends[member_id], floors, rules, today=calendar.day_of(now), moment_of=calendar.start)
            moves = [_joining(member, calendar), *moves]
        own = {_cause(member, move) for move in moves}
        refs = {spend.ref for spend in spends[member_id]}
        kept = [line for line in lines[member_id] if line.id <= after or _is_own(line, own, refs)]
        for line in set(lines[member_id]) - set(kept):
            session.delete(line)
        if moves:
            # Where the ledger leaves them now; settling says the rest.
            member.tier_id = kept[-1].tier_id if kept else None
    session.flush()


def _is_own(line: TierLine, own: Collection[str], refs: Collection[str]) -> bool:
    """Whether a line written meanwhile is this person's own: by what they did, refunded since or not."""
    return line.reason in GIVEN or line.cause in own or line.evidence.get("cause") in refs


def _joining(member: Member, calendar: Calendar) -> Move:
    assert member.registered_at is not None
    day = calendar.day_of(member.registered_at)
    return Move(member.registered_at, day, 0, 0, "joined", None, 0, "joined")


def _cause(member: Member, move: Move) -> str:
    return move.cause if move.reason in GIVEN else f"{member.id}:{move.reason}:{move.cause}"


def _rank(ladder: list[Tier], tier_id: int | None) -> int:
    return next((tier.rank for tier in ladder if tier.id == tier_id), 0)


def _line(member: Member, move: Move, ladder: list[Tier], calendar: Calendar, known: datetime | None) -> dict[str, Any]:
    """A row of the ledger. `known` is when we learned of what moved them; None for history, which begins nothing."""
    return {
        "member_id": member.id,
        "tier_id": ladder[move.rank].id,
        "from_tier_id": None if move.reason == "joined" else ladder[move.from_rank].id,
        "reason": move.reason,
        "at": move.at,
        "recorded_at": known,
        "until": calendar.last_second(move.until) if move.until and move.until != date.max else None,
        "cause": _cause(member, move),
        "evidence": {
            "spend_365": move.spend,
            "cause": move.cause,
            "measure": move.measure,
            "threshold": ladder[move.rank].threshold if move.threshold is None else move.threshold,
        },
    }


def _tell(session: Session, member: Member, fresh: list[Move], ladder: list[Tier], *, now: datetime) -> None:
    """One message for the latest rise, if it is news; history is not (design §2)."""
    rises = [move for move in fresh if move.reason == "upgraded" and is_news(move.at, now=now)]
    if rises and rises[-1].rank == _rank(ladder, member.tier_id):
        move = rises[-1]
        speaking.say(
            session, member, tier_up.render(session, member, tier=ladder[move.rank], until=move.until),
            kind="service", once=f"tier_up:{_cause(member, move)}", now=now,
        )  # fmt: skip
