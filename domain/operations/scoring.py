"""Keeps everyone's scores in step with what is known, by scoring those whose scores may have changed.

The night makes them due (`ScoreDue`), then scores them piece by piece; a killed night leaves the rest to the
next. The row `ScoreRun` says how far scoring has come.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, exists, func, or_, select, text, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.recording import insert_for
from domain.scores import repurchase_cycle
from domain.scores._everyone import COLUMNS, CYCLE, with_cycles
from domain.scores._figures import Among
from domain.scores._movers import Since, movers
from models.member import Member
from models.programme import the_brand
from models.score import MemberScore, ScoreDue, ScoreRun

PIECE = 5_000  # people a transaction
PIECE_OF_CYCLES = 50_000
COMPARE_EVERY = timedelta(days=7)
# Of longer gaps between nights everyone is computed anew: most would be due.
LONGEST_GAP = timedelta(days=60)
# Raised when a score's rule changes, so that everyone is computed anew.
VERSION = 2
STORED = (*COLUMNS, *CYCLE)
# `as_of` says since when the scores have stood, so it alone is no change.
CHANGING = tuple(name for name in STORED if name not in {"member_id", "as_of"})


def make_due(session: Session, *, day: date, now: datetime, machine_now: datetime) -> bool:
    """Notes who has to be scored as of `day`, and that this was noted; whether it is everyone, as the first night."""
    run = the_run(session)
    rules = _rules(session)
    reached = _reached(run) if run.rules == rules else None
    everyone = reached is None or not timedelta(0) <= day - reached.day <= LONGEST_GAP
    if reached is None or everyone:
        _enqueue(session, select(Member.id))
        run.compared_on = day
    else:
        _enqueue(session, movers(reached, day, calendar_of(session)).subquery().select())
    run.day, run.at, run.machine_at, run.rules = day, now, machine_now, rules
    session.flush()
    return everyone


def make_everyone_due(session: Session) -> None:
    """For the weekly comparison."""
    _enqueue(session, select(Member.id))


def compare_is_due(session: Session, *, day: date) -> bool:
    """Whether the scores kept step by step have not been held against computing everyone anew for a week."""
    compared_on = the_run(session).compared_on
    return compared_on is None or day - compared_on >= COMPARE_EVERY


def compared(session: Session, *, day: date) -> None:
    the_run(session).compared_on = day
    session.flush()


def count_due(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(ScoreDue)) or 0


def score_due(session: Session, *, day: date) -> list[int] | None:
    """Scores one piece of those due as of `day`: whose stored scores changed; None when nobody was left.

    Several hands may do this at once: whom one has taken, the others pass over.
    """
    next_ids = select(ScoreDue.member_id).order_by(ScoreDue.member_id).limit(PIECE).with_for_update(skip_locked=True)
    taken = delete(ScoreDue).where(ScoreDue.member_id.in_(next_ids)).returning(ScoreDue.member_id)
    ids = sorted(session.scalars(taken, execution_options={"synchronize_session": False}))
    return _score(session, day, _among(ids)) if ids else None


def _among(ids: list[int]) -> Among:
    """These people; when nobody else is between them, their range, which reads an index from end to end.

    The ids stand in the statement itself, so that the database plans for as many as there are.
    """
    if ids[-1] - ids[0] == len(ids) - 1:
        return lambda column: column.between(ids[0], ids[-1])
    listed: Any = bindparam("due", ids, expanding=True, literal_execute=True)
    return lambda column: column.in_(listed)


def score(session: Session, *, day: date, ids: tuple[int, int]) -> int:
    """Scores everyone of a range of ids as of `day`, due or not; how many rows changed. Safe to repeat."""
    return len(_score(session, day, lambda column: column.between(*ids)))


def settle(session: Session, member_ids: Collection[int], *, is_history: bool = False, now: datetime) -> None:
    """Scores these people anew as of the last night, as after a merge; nothing before the first night. Safe to repeat.

    `is_history` and `now` are of no matter: scores tell nobody and stand as of a day that has ended.
    """
    day = session.scalar(select(ScoreRun.day))
    if day is not None and member_ids:
        _score(session, day, _among(sorted(member_ids)))


def the_run(session: Session) -> ScoreRun:
    """How far scoring has come; held until this transaction ends."""
    run = session.get(ScoreRun, 1, with_for_update=True, populate_existing=True)
    if run is None:
        session.execute(insert_for(session)(ScoreRun).values(id=1).on_conflict_do_nothing())
        run = session.get_one(ScoreRun, 1, with_for_update=True)
    return run


def _score(session: Session, day: date, among: Among) -> list[int]:
    before = _stored_gaps(session, among)
    selected = with_cycles(
        day, calendar=calendar_of(session), currency=the_brand(session).currency, among=among,
        everyones=session.scalar(select(ScoreRun.everyones_gap)),
    )  # fmt: skip
    insert = insert_for(session)(MemberScore).from_select(STORED, selected, include_defaults=False)
    changes = or_(*(getattr(MemberScore, name).is_distinct_from(insert.excluded[name]) for name in CHANGING))
    values = {name: insert.excluded[name] for name in (*CHANGING, "as_of")}
    statement = insert.on_conflict_do_update(index_elements=["member_id"], set_=values, where=changes)
    after = dict(session.execute(statement.returning(MemberScore.member_id, MemberScore.gaps)).all())
    gone = _forget_the_gone(session, among)
    _recount(session, lost=(before.get(each) for each in (*after, *gone)), won=after.values())
    return [*after, *gone]


def _stored_gaps(session: Session, among: Among) -> dict[int, str | None]:
    rows = select(MemberScore.member_id, MemberScore.gaps).where(
        among(MemberScore.member_id), MemberScore.gaps.is_not(None)
    )
    return dict(session.execute(rows).all())


def _forget_the_gone(session: Session, among: Among) -> list[int]:
    """No score outlives an erasure or a merge."""
    gone = or_(Member.erased_at.is_not(None), Member.merged_into_id.is_not(None))
    forgotten = delete(MemberScore).where(
        among(MemberScore.member_id), exists(select(1).where(Member.id == MemberScore.member_id, gone))
    )
    return list(
        session.scalars(forgotten.returning(MemberScore.member_id), execution_options={"synchronize_session": False})
    )


def _recount(session: Session, *, lost: Iterable[str | None], won: Iterable[str | None]) -> None:
    """Keeps the count of everyone's gaps in step with what a piece changed. Last, so that nobody waits for long."""
    change = _tallied(won)
    change.subtract(_tallied(lost))
    run = the_run(session)
    tally = Counter(run.gaps)
    tally.update(change)
    run.gaps = {gap: count for gap, count in tally.items() if count}
    session.flush()


def _tallied(texts: Iterable[str | None]) -> Counter[str]:
    tally: Counter[str] = Counter()
    for gaps in texts:
        if gaps:
            tally.update(gaps.split())
    return tally


def everyones_gap(session: Session) -> float | None:
    """The median gap between neighbouring purchase days of everyone in the last 730 days (definitions §9)."""
    return _usual(the_run(session).gaps)


def _usual(gaps: Mapping[str, int]) -> float | None:
    return repurchase_cycle.usual_gap({int(gap): count for gap, count in gaps.items()})


def ranges(session: Session, *, size: int = PIECE_OF_CYCLES) -> list[tuple[int, int]]:
    """Ranges of member ids that cover everyone, for what is done piece by piece."""
    last = session.scalar(select(func.max(Member.id))) or 0
    return [(first, first + size - 1) for first in range(1, last + 1, size)]


def move_cycles(session: Session, *, everyones: float | None, ids: tuple[int, int]) -> int:
    """Puts the cycles of a range of ids in step with another median of everyone's; how many changed."""
    cycle = repurchase_cycle.cycle_days(MemberScore.gap_count, MemberScore.gap_median, everyones)
    moved = update(MemberScore).where(
        MemberScore.member_id.between(*ids), MemberScore.cycle_days.is_distinct_from(cycle)
    )
    values = {"cycle_days": cycle, "due_on": repurchase_cycle.due_on(MemberScore.last_day, cycle)}
    done: Any = session.execute(moved.values(values), execution_options={"synchronize_session": False})
    return int(done.rowcount)


def cycles_moved(session: Session, *, everyones: float | None) -> None:
    """From now on everyone's cycles rest on this median."""
    the_run(session).everyones_gap = everyones
    session.flush()


def _reached(run: ScoreRun) -> Since | None:
    if run.day is None or run.at is None or run.machine_at is None:
        return None
    return Since(run.day, run.at, run.machine_at)


def _rules(session: Session) -> str:
    """What everyone's scores rest on besides what they did."""
    brand = the_brand(session)
    return f"{VERSION} {brand.business_timezone} {brand.currency}"


def _enqueue(session: Session, ids: Any) -> None:
    statement = insert_for(session)(ScoreDue).from_select(["member_id"], ids.where(text("true")))
    session.execute(statement.on_conflict_do_nothing())
    session.execute(text("ANALYZE score_due"))  # or the database plans as if nobody were due
