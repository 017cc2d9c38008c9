"""Missions: on and off, how far each person is, and the reward of each round, once (design §2, mechanism 3).

Rounds are derived: a person's steps are walked (`domain/scores/_mission.py`) and what the table lacks is added.
A reward that was given stays given, and the round stays done: who brings a purchase back must step again before
the next one. Only a lottery ticket is withdrawn, as long as its draw is not drawn, and comes back with the step.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain import rules
from domain.calendar import calendar_of
from domain.errors import Refusal
from domain.operations import drawing, granting, pointing
from domain.scores._mission import PURCHASE, Round
from domain.scores._mission_steps import measure_of, measured, takers, target_of, window_of
from models.benefit import CouponClaim
from models.member import Member
from models.mission import Mission, MissionRound

BATCH = 500
OVERLAP = timedelta(minutes=10)  # what was still being written when the last run looked

Key = tuple[str, int]  # period, number
Left = Mapping[tuple[int, str], int]


def enable(session: Session, mission: Mission, *, now: datetime) -> None:
    """Switches it on. Steps count from the first time on, or from the window's day; what is past earns nothing.

    What was reached while it was off is past, too.
    """
    mission.enabled_at, mission.counts_from = now, mission.counts_from or now
    mission.last_good_run = now
    session.flush()
    window = window_of(mission)
    counts_from = calendar_of(session).start(window.from_) if window.from_ else mission.counts_from
    if counts_from < now:
        _bring_in_step(session, mission, sorted(session.scalars(takers(session, mission))), is_history=True, now=now)


def disable(session: Session, mission: Mission) -> None:
    """Switches it off: nothing is rewarded, and nobody is shown it. What was earned stays."""
    mission.enabled_at = None
    session.flush()


def settle(session: Session, member_ids: Collection[int], *, is_history: bool = False, now: datetime) -> int:
    """Brings these people's rounds up to `now`; returns how many rewards were given. Safe to repeat and at once.

    `is_history`: what moved them came from a file: they are further on, and rewarded for none of it.
    """
    if not member_ids:
        return 0
    counted = Mission.archived_at.is_(None), Mission.counts_from.is_not(None)
    ids = sorted(set(member_ids))
    missions = session.scalars(select(Mission).where(*counted).order_by(Mission.id)).all()
    return sum(_bring_in_step(session, each, ids, is_history=is_history, now=now) for each in missions)


def lately(session: Session, mission: Mission) -> list[int]:
    """Who took a step since the last good run. Purchases are settled as they are recorded, and not looked for."""
    if mission.enabled_at is None or measure_of(mission).of == PURCHASE:
        return []
    since = max(mission.enabled_at, mission.last_good_run or mission.enabled_at) - OVERLAP
    return sorted(session.scalars(takers(session, mission, since=since)))


def looked(session: Session, mission_ids: Collection[int], *, now: datetime) -> None:
    """Everyone `lately` named has been settled: the next look begins here."""
    session.execute(update(Mission).where(Mission.id.in_(mission_ids)).values(last_good_run=now))


def give_owed(session: Session, mission: Mission, *, now: datetime) -> int:
    """Tries the rewards that could not be given (none was left) once more; returns how many were."""
    owed = (
        select(MissionRound)
        .join(Member, Member.id == MissionRound.member_id)
        .where(MissionRound.mission_id == mission.id, MissionRound.rewarded_at.is_(None), Member.erased_at.is_(None))
        .where(MissionRound.reached_at.is_not(None))
        .where(MissionRound.reason.is_not(None), MissionRound.reason.not_in(FINAL))
        .order_by(MissionRound.id)
        .limit(BATCH)
    )
    # People before their rounds, as whoever settles them does.
    pointing.lock(session, {row.member_id for row in session.scalars(owed)})
    rows = session.scalars(owed.with_for_update(of=MissionRound), execution_options={"populate_existing": True}).all()
    return sum(_give(session, mission, row, now=now) for row in rows)


# Why a reached round earns nothing, for good.
FINAL = ("history", "not_for_them", "capped")


def _bring_in_step(session: Session, mission: Mission, ids: Sequence[int], *, is_history: bool, now: datetime) -> int:
    """One mission for these people, in pieces, each of them alone in doing so."""
    given = 0
    for at in range(0, len(ids), BATCH):
        part = _locked(session, ids[at : at + BATCH])
        walked = measured(session, mission, part)
        known = _known(session, mission, part)
        left = _left_behind(session, mission, part) if walked else {}
        waiting = list[tuple[MissionRound, Round]]()
        for member_id in sorted(walked.keys() | known.keys()):
            own = walked.get(member_id, [])
            waiting += _write(session, mission, member_id, own, known.get(member_id, {}), left)
        session.flush()
        given += _reward(session, mission, waiting, is_history=is_history, now=now)
        if "ticket" in mission.reward:
            _keep_tickets(session, mission, part, walked, now=now)
    return given


def _locked(session: Session, ids: Sequence[int]) -> list[int]:
    """Those of them who are members, each settled by one transaction at a time, always in the same order."""
    session.flush()
    rows = (
        select(Member.id)
        .where(Member.id.in_(ids), Member.registered_at.is_not(None), Member.erased_at.is_(None))
        .where(Member.merged_into_id.is_(None))
        .order_by(Member.id)
        .with_for_update(of=Member, key_share=True)
    )
    return list(session.scalars(rows))


def _known(session: Session, mission: Mission, ids: Sequence[int]) -> dict[int, dict[Key, MissionRound]]:
    found: dict[int, dict[Key, MissionRound]] = defaultdict(dict)
    rows = select(MissionRound).where(MissionRound.mission_id == mission.id, MissionRound.member_id.in_(ids))
    for row in session.scalars(rows.execution_options(populate_existing=True)):
        found[row.member_id][row.period, row.round] = row
    return found


def _left_behind(session: Session, mission: Mission, ids: Sequence[int]) -> Left:
    """Rounds that were done on records joined into these people and could not move: they were rewarded once."""
    owner, fresh = dict.fromkeys(ids), set(ids)
    kept = {each: each for each in ids}
    while fresh:
        joined = session.execute(select(Member.id, Member.merged_into_id).where(Member.merged_into_id.in_(fresh))).all()
        fresh = {row.id for row in joined} - owner.keys()
        owner |= dict.fromkeys(fresh)
        kept |= {row.id: kept[row.merged_into_id] for row in joined if row.merged_into_id is not None}
    gone = kept.keys() - set(ids)
    if not gone:
        return {}
    rows = select(MissionRound).where(MissionRound.mission_id == mission.id, MissionRound.member_id.in_(gone))
    return Counter((kept[row.member_id], row.period) for row in session.scalars(rows) if _is_done(row))


def _is_done(row: MissionRound) -> bool:
    return row.rewarded_at is not None or row.reason is not None


def _is_owed(row: MissionRound) -> bool:
    return row.rewarded_at is None and row.reason is not None and row.reason not in FINAL


def _write(
    session: Session, mission: Mission, member_id: int, walked: list[Round], known: dict[Key, MissionRound], left: Left
) -> list[tuple[MissionRound, Round]]:
    """Puts the person's rows in step; returns those that are reached and wait for their reward."""
    target = target_of(session, mission)
    found = {(each.period, each.number): each for each in walked}
    for key, row in known.items():
        if _is_owed(row) and (key not in found or found[key].reached_at is None):
            row.reason = None  # what it was owed for was brought back
        if key not in found:
            row.progress = 0
            row.reached_at = row.reached_at if _is_done(row) else None
    for key, each in found.items():
        row = known.get(key) or _new_row(mission, member_id, each)
        row.progress, row.began_at = min(each.progress, target), each.began_at
        if not _is_done(row):
            row.reached_at, row.evidence = each.reached_at, {"steps": list(each.behind), "version": mission.version}
        known[key] = row
        session.add(row)
    return _waiting(member_id, found, known, left)


def _new_row(mission: Mission, member_id: int, each: Round) -> MissionRound:
    return MissionRound(mission_id=mission.id, member_id=member_id, period=each.period, round=each.number)


def _waiting(
    member_id: int, found: Mapping[Key, Round], known: Mapping[Key, MissionRound], left: Left
) -> list[tuple[MissionRound, Round]]:
    """In each period, as many as were reached and are not done, the earliest first."""
    waiting = list[tuple[MissionRound, Round]]()
    for period in sorted({period for period, _ in found}):
        done = left.get((member_id, period), 0) + sum(_is_done(row) for key, row in known.items() if key[0] == period)
        reached = sorted(key for key, each in found.items() if key[0] == period and each.reached_at is not None)
        fresh = [key for key in reached if not _is_done(known[key])][: max(0, len(reached) - done)]
        # Whether it is news goes by the step that made it one more, the last ones reached.
        waiting += [
            (known[key], found[last]) for key, last in zip(fresh, reached[len(reached) - len(fresh) :], strict=True)
        ]
    return waiting


def _reward(
    session: Session, mission: Mission, waiting: list[tuple[MissionRound, Round]], *, is_history: bool, now: datetime
) -> int:
    if not waiting or mission.enabled_at is None:
        return 0
    fitting = _fitting(session, mission, {row.member_id for row, _ in waiting}, now=now)
    given = _given_this_month(session, mission, fitting, now=now)
    for row, each in waiting:
        if is_history and each.is_news and _is_pending(mission, each):
            continue
        if is_history or not each.is_news:
            row.reason = "history"
        elif row.member_id not in fitting:
            row.reason = "not_for_them"
        elif mission.rewards_per_month is not None and given[row.member_id] >= mission.rewards_per_month:
            row.reason = "capped"
        elif _give(session, mission, row, now=now):
            given[row.member_id] += 1
    session.flush()
    return sum(row.rewarded_at == now for row, _ in waiting)


def _is_pending(mission: Mission, each: Round) -> bool:
    """Whether the next look of the clock rewards it: a file or a merge that comes before makes no history of it.

    Purchases are settled as they are recorded and wait for no look.
    """
    if measure_of(mission).of == PURCHASE or mission.enabled_at is None or each.reached_at is None:
        return False
    return each.reached_at >= max(mission.enabled_at, mission.last_good_run or mission.enabled_at)


def _fitting(session: Session, mission: Mission, ids: Collection[int], *, now: datetime) -> set[int]:
    if not mission.rule:
        return set(ids)
    context = rules.context_of(session, now).for_only(tuple(sorted(ids)))
    return set(session.scalars(select(Member.id).where(Member.id.in_(ids), rules.compile_rule(mission.rule, context))))


def _given_this_month(session: Session, mission: Mission, ids: Collection[int], *, now: datetime) -> Counter[int]:
    calendar = calendar_of(session)
    first, _ = calendar.month_bounds(calendar.month_of(now))
    rows = select(MissionRound.member_id).where(
        MissionRound.mission_id == mission.id, MissionRound.member_id.in_(ids), MissionRound.rewarded_at >= first
    )
    return Counter(session.scalars(rows))


def _give(session: Session, mission: Mission, row: MissionRound, *, now: datetime) -> bool:
    """The reward of one round, once; why not is written on the round."""
    cause = f"mission:{mission.key}:{row.period}:{row.round}:{row.member_id}"
    try:
        with session.begin_nested():
            given = granting.grant(session, member_id=row.member_id, benefit=mission.reward, cause=cause, now=now)
    except Refusal as refusal:
        row.reason = refusal.code
        return False
    row.rewarded_at, row.reason = now, None
    row.evidence = {**row.evidence, "cause": cause, **({"claim": given.ref} if isinstance(given, CouponClaim) else {})}
    return True


def _keep_tickets(
    session: Session, mission: Mission, ids: Sequence[int], walked: Mapping[int, list[Round]], *, now: datetime
) -> None:
    """A ticket stands as long as its round does: withdrawn when a refund takes a step back, restored with it."""
    standing, fallen = list[str](), list[str]()
    for member_id, rows in _known(session, mission, ids).items():
        reached = Counter(each.period for each in walked.get(member_id, ()) if each.reached_at is not None)
        for (period, _number), row in sorted(rows.items()):
            if row.rewarded_at is not None:
                (standing if reached[period] > 0 else fallen).append(row.evidence["cause"])
                reached[period] -= 1
    drawing.restore(session, standing, of=ids)
    drawing.withdraw(session, fallen, of=ids, now=now)
