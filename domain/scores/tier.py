"""Tier: the step of the ladder a member stands on, by spend in the last 365 days (definitions §7).

Up at once when spend reaches a higher threshold; down only at the period's end, after 30 days' grace.
Pure: `replay` walks one person's history and returns every move, so that a tier can be rebuilt as of any
day and always says which purchases it rests on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from domain.calendar import end_of_same_month_next_year

WINDOW = timedelta(days=365)
GRACE = timedelta(days=30)
TAKE_BACK = timedelta(days=30)
MomentOf = Callable[[date], datetime]


@dataclass(frozen=True)
class Spend:
    """An order (positive) or a refund of one (negative). `order_day` is the day it counts on."""

    at: datetime
    day: date
    order_day: date
    amount: int
    ref: str


@dataclass(frozen=True)
class Floor:
    """A tier given by hand or as a reward: holds at least `rank` until the end of `until`."""

    at: datetime
    day: date
    until: date
    rank: int
    reason: str
    cause: str


@dataclass(frozen=True)
class Move:
    """One line of the tier ledger."""

    at: datetime
    day: date
    rank: int
    from_rank: int
    reason: str
    until: date | None
    spend: int
    cause: str


@dataclass
class _State:
    thresholds: tuple[int, ...]  # by rank; rank 0 is 0
    rank: int = 0
    until: date | None = None
    grace_until: date | None = None
    raised_on: date | None = None
    before_raise: tuple[int, date | None] = (0, None)
    spends: list[Spend] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def spent(self, day: date) -> int:
        """S(day): net amount of the orders of the 365 days ending with `day`."""
        return sum(each.amount for each in self.spends if day - WINDOW < each.order_day <= day)

    def earned(self, day: date) -> int:
        spent = self.spent(day)
        return max(rank for rank, threshold in enumerate(self.thresholds) if rank == 0 or spent >= threshold)

    def floor(self, day: date) -> tuple[int, date | None]:
        """The highest tier given that still holds on `day`, and its last day."""
        holding = [(each.rank, each.until) for each in self.floors if each.until >= day]
        return max(holding, default=(0, None))

    def move(self, at: datetime, day: date, rank: int, reason: str, until: date | None, cause: str) -> None:
        self.moves.append(Move(at, day, rank, self.rank, reason, until, self.spent(day), cause))
        self.rank, self.until = rank, until
        self.grace_until = until if reason == "grace" else None


def replay(
    spends: list[Spend],
    floors: list[Floor],
    thresholds: tuple[int, ...],
    *,
    today: date,
    moment_of: MomentOf,
) -> list[Move]:
    """Every move from the first spend up to `today` (ends of periods up to yesterday are over).

    `thresholds[rank]` in minor units, rising. `moment_of(day)` is the first moment of a local day.
    """
    state = _State(thresholds)
    happenings: list[Spend | Floor] = sorted([*spends, *floors], key=lambda each: each.at)
    for each in happenings:
        if each.day > today:
            break
        _let_periods_end(state, before=each.day, moment_of=moment_of)
        if isinstance(each, Floor):
            _raise_to_floor(state, each)
        else:
            _take_spend(state, each)
    _let_periods_end(state, before=today, moment_of=moment_of)
    return state.moves


def _take_spend(state: _State, spend: Spend) -> None:
    state.spends.append(spend)
    if spend.amount < 0:
        _take_back_if_undone(state, spend)
        return
    earned, cause = state.earned(spend.day), f"order:{spend.ref}"
    if earned > state.rank:
        state.before_raise, state.raised_on = (state.rank, state.until), spend.day
        state.move(spend.at, spend.day, earned, "upgraded", end_of_same_month_next_year(spend.day), cause)
    elif state.grace_until and earned == state.rank:
        state.move(spend.at, spend.day, state.rank, "renewed", end_of_same_month_next_year(spend.day), cause)


def _take_back_if_undone(state: _State, refund: Spend) -> None:
    """A refund within 30 days of the upgrade that leaves spend under the threshold takes it back at once."""
    recent = state.raised_on is not None and refund.day - state.raised_on <= TAKE_BACK
    counted = state.raised_on is not None and state.raised_on - WINDOW < refund.order_day <= state.raised_on
    if not (recent and counted) or state.spent(refund.day) >= state.thresholds[state.rank]:
        return
    rank, until = state.before_raise
    earned = state.earned(refund.day)
    if earned > rank:
        rank, until = earned, state.until
    floor, floor_until = state.floor(refund.day)
    if floor > rank:
        rank, until = floor, floor_until
    state.move(refund.at, refund.day, rank, "taken_back", until, f"refund:{refund.ref}:{refund.at.isoformat()}")
    state.raised_on = None


def _raise_to_floor(state: _State, floor: Floor) -> None:
    state.floors.append(floor)
    ends_grace = floor.rank == state.rank and state.grace_until is not None and floor.until > state.grace_until
    if floor.rank > state.rank or ends_grace:
        state.move(floor.at, floor.day, floor.rank, floor.reason, floor.until, floor.cause)


def _let_periods_end(state: _State, *, before: date, moment_of: MomentOf) -> None:
    """Renews, starts the grace, or lets fall, for every period that ended before the day `before`.

    Whoever was given a tier that still holds is kept there to its end, without a grace.
    """
    while state.rank > 0 and state.until is not None and state.until < before:
        ended = state.until
        at, next_day = moment_of(ended + timedelta(days=1)), ended + timedelta(days=1)
        floor, floor_until = state.floor(next_day)
        keeps = state.spent(ended) >= state.thresholds[state.rank]
        if state.grace_until is None and keeps:
            state.move(at, ended, state.rank, "renewed", end_of_same_month_next_year(ended), f"period:{ended}")
        elif floor >= state.rank:
            state.move(at, ended, state.rank, "held", floor_until, f"period:{ended}")
        elif state.grace_until is None:
            state.move(at, ended, state.rank, "grace", ended + GRACE, f"period:{ended}")
        else:
            _fall(state, at, next_day, (floor, floor_until))


def _fall(state: _State, at: datetime, day: date, floor: tuple[int, date | None]) -> None:
    """Down to what the spend of the last 365 days reaches, and not below what was given."""
    ended = day - timedelta(days=1)
    earned = min(state.earned(ended), state.rank)
    rank, until = (earned, end_of_same_month_next_year(day)) if earned >= floor[0] else floor
    state.move(at, day, rank, "fell", until if rank else None, f"grace:{ended}")
