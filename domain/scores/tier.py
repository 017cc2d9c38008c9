"""Tier: the step of the ladder a member stands on, by spend or visits in the last 365 days (definitions §7).

Up at once when a higher threshold is reached; down only at the period's end, after 30 days' grace.
Pure: `replay` walks one person's history and returns every move, so that a tier can be rebuilt as of any
day and always says which purchases it rests on. Each day is judged by the ladder of that day: a change
of thresholds judges from then on, and rewrites nobody's past.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from domain.calendar import end_of_same_month_next_year

WINDOW = timedelta(days=365)
GRACE = timedelta(days=30)
TAKE_BACK = timedelta(days=30)
BY_HAND, ENDED = "by_hand", "by_hand_ended"
MomentOf = Callable[[date], datetime]


@dataclass(frozen=True)
class Rules:
    """What holds from `from_day` on: a threshold by rank (None: not on that ladder), of what, and how one falls.

    `measure` is spend or visits; `fall` is earned (to what the last 365 days reach) or one_step.
    """

    from_day: date
    thresholds: tuple[int | None, ...]
    measure: str = "spend"
    fall: str = "earned"


@dataclass(frozen=True)
class Spend:
    """An order (positive), a refund of one (negative), or a day in a store. `order_day` is the day it counts on."""

    at: datetime
    day: date
    order_day: date
    amount: int
    ref: str
    measure: str = "spend"


@dataclass(frozen=True)
class Floor:
    """A tier given by hand or as a reward: holds at least `rank` until the end of `until`.

    Of the reason ENDED it takes back what was given by hand before.
    """

    at: datetime
    day: date
    until: date
    rank: int
    reason: str
    cause: str


@dataclass(frozen=True)
class Beginning:
    """The day on which other thresholds begin to hold."""

    at: datetime
    day: date


@dataclass(frozen=True)
class Move:
    """One line of the tier ledger. `spend` is what counted that day, against `threshold` of what `measure` says."""

    at: datetime
    day: date
    rank: int
    from_rank: int
    reason: str
    until: date | None
    spend: int
    cause: str
    threshold: int | None = None
    measure: str = "spend"


@dataclass
class _State:
    ladder: Sequence[Rules]  # the earliest first; the first holds for all days before the second
    rank: int = 0
    until: date | None = None
    grace_until: date | None = None
    raised_on: date | None = None
    before_raise: tuple[int, date | None] = (0, None)
    before_hand: tuple[int, date | None] = (0, None)
    spends: list[Spend] = field(default_factory=list)
    floors: list[Floor] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)

    def rules(self, day: date) -> Rules:
        """The ladder of that day."""
        return next((each for each in reversed(self.ladder) if each.from_day <= day), self.ladder[0])

    def counted(self, day: date) -> int:
        """S(day): what the 365 days ending with `day` add up to."""
        measure = self.rules(day).measure
        return sum(
            each.amount for each in self.spends if each.measure == measure and day - WINDOW < each.order_day <= day
        )

    def reaches(self, rank: int, day: date, *, as_of: date | None = None) -> bool:
        """Whether S(day) is enough for `rank` on the ladder of that day, or of the day `as_of`."""
        threshold = self.rules(as_of or day).thresholds[rank]
        return threshold is not None and self.counted(day) >= threshold

    def earned(self, day: date) -> int:
        counted = self.counted(day)
        thresholds = enumerate(self.rules(day).thresholds)
        return max((rank for rank, least in thresholds if least is not None and counted >= least), default=0)

    def floor(self, day: date) -> tuple[int, date | None]:
        """The highest tier given that still holds on `day`, and its last day."""
        holding = [(each.rank, each.until) for each in self.floors if each.until >= day]
        return max(holding, default=(0, None))

    def move(self, at: datetime, day: date, rank: int, reason: str, until: date | None, cause: str) -> None:
        rules = self.rules(day)
        self.moves.append(
            Move(at, day, rank, self.rank, reason, until, self.counted(day), cause, rules.thresholds[rank],
                 rules.measure)
        )  # fmt: skip
        self.rank, self.until = rank, until
        self.grace_until = until if reason == "grace" else None

    def rise(self, at: datetime, day: date, cause: str) -> None:
        """Up to what was earned, or renewed in the grace; nothing when neither is so."""
        earned, until = self.earned(day), end_of_same_month_next_year(day)
        if earned > self.rank:
            self.before_raise, self.raised_on = (self.rank, self.until), day
            self.move(at, day, earned, "upgraded", until, cause)
        elif self.grace_until and earned == self.rank:
            self.move(at, day, self.rank, "renewed", until, cause)


def replay(
    spends: list[Spend],
    floors: list[Floor],
    ladder: Sequence[Rules],
    *,
    today: date,
    moment_of: MomentOf,
) -> list[Move]:
    """Every move from the first spend up to `today` (ends of periods up to yesterday are over).

    `ladder` has the earliest rules first, with thresholds of one length. `moment_of(day)` is the first
    moment of a local day.
    """
    state = _State(ladder)
    beginnings = [Beginning(moment_of(each.from_day), each.from_day) for each in ladder[1:]]
    happenings: list[Spend | Floor | Beginning] = sorted([*spends, *floors, *beginnings], key=lambda each: each.at)
    for each in happenings:
        if each.day > today:
            break
        _let_periods_end(state, before=each.day, moment_of=moment_of)
        if isinstance(each, Floor):
            (_end_by_hand if each.reason == ENDED else _raise_to_floor)(state, each)
        elif isinstance(each, Beginning):
            state.rise(each.at, each.day, f"ladder:{each.day}")
        else:
            _take_spend(state, each)
    _let_periods_end(state, before=today, moment_of=moment_of)
    return state.moves


def _take_spend(state: _State, spend: Spend) -> None:
    state.spends.append(spend)
    if spend.measure != state.rules(spend.day).measure:
        return
    if spend.amount < 0:
        _take_back_if_undone(state, spend)
        return
    kind = "order" if spend.measure == "spend" else "visit"
    state.rise(spend.at, spend.day, f"{kind}:{spend.ref}")


def _take_back_if_undone(state: _State, refund: Spend) -> None:
    """A refund within 30 days of the upgrade that leaves spend under the threshold takes it back at once."""
    recent = state.raised_on is not None and refund.day - state.raised_on <= TAKE_BACK
    counted = state.raised_on is not None and state.raised_on - WINDOW < refund.order_day <= state.raised_on
    if not (recent and counted) or state.reaches(state.rank, refund.day, as_of=state.raised_on):
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
        if not _stands_by_hand(state):
            state.before_hand = state.rank, state.until
        state.move(floor.at, floor.day, floor.rank, floor.reason, floor.until, floor.cause)


def _stands_by_hand(state: _State) -> bool:
    return bool(state.moves) and state.moves[-1].reason in (BY_HAND, "held")


def _end_by_hand(state: _State, end: Floor) -> None:
    """Back to where they stood before, or to what was earned or given otherwise since; nothing when they rose above."""
    state.floors = [each for each in state.floors if each.reason != BY_HAND]
    if not _stands_by_hand(state):
        return
    stood, until = state.before_hand
    if until is not None and until < end.day:
        stood, until = 0, None
    earned = (state.earned(end.day), end_of_same_month_next_year(end.day))
    rank, until = max([(stood, until), state.floor(end.day), earned], key=lambda each: each[0])
    if rank < state.rank:
        state.move(end.at, end.day, rank, ENDED, until if rank else None, end.cause)


def _let_periods_end(state: _State, *, before: date, moment_of: MomentOf) -> None:
    """Renews, starts the grace, or lets fall, for every period that ended before the day `before`.

    Whoever was given a tier that still holds is kept there to its end, without a grace.
    """
    while state.rank > 0 and state.until is not None and state.until < before:
        ended = state.until
        at, next_day = moment_of(ended + timedelta(days=1)), ended + timedelta(days=1)
        floor, floor_until = state.floor(next_day)
        if state.grace_until is None and state.reaches(state.rank, ended):
            state.move(at, ended, state.rank, "renewed", end_of_same_month_next_year(ended), f"period:{ended}")
        elif floor >= state.rank:
            state.move(at, ended, state.rank, "held", floor_until, f"period:{ended}")
        elif state.grace_until is None:
            state.move(at, ended, state.rank, "grace", ended + GRACE, f"period:{ended}")
        else:
            _fall(state, at, next_day, (floor, floor_until))


def _fall(state: _State, at: datetime, day: date, floor: tuple[int, date | None]) -> None:
    """Down to what the last 365 days reach, or by one step where the brand says so; not below what was given."""
    ended = day - timedelta(days=1)
    earned = min(state.earned(ended), state.rank)
    if state.rules(ended).fall == "one_step":
        earned = max(earned, state.rank - 1)
    rank, until = (earned, end_of_same_month_next_year(day)) if earned >= floor[0] else floor
    state.move(at, day, rank, "fell", until if rank else None, f"grace:{ended}")
