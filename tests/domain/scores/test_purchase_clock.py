"""Where someone stands in their rhythm: the same of one person and of everyone, on both databases."""

from datetime import date, timedelta

import pytest
from sqlalchemy import Integer, cast, literal, select
from sqlalchemy.orm import Session

from domain.scores.purchase_clock import STATES, state, state_of

TODAY = date(2026, 6, 30)


@pytest.mark.parametrize(
    ("since", "cycle", "expected"),
    [
        (0, 30, "early"), (23, 30, "early"), (24, 30, "due"), (29, 30, "due"),
        (30, 30, "late"), (60, 30, "late"), (61, 30, "very_late"), (5_000, 30, "very_late"),
        # A fifth of 37 days is no whole number: due from the 30th on, 29.6 rounded up.
        (29, 37, "early"), (30, 37, "due"), (36, 37, "due"), (37, 37, "late"), (74, 37, "late"), (75, 37, "very_late"),
        (0, 1, "early"), (1, 1, "late"), (2, 1, "late"), (3, 1, "very_late"),
    ],
)  # fmt: skip
def test_early_due_late_and_very_late_begin_on_their_day(
    session: Session, since: int, cycle: int, expected: str
) -> None:
    days = (cast(literal(number), Integer) for number in (since, cycle))
    assert session.scalar(select(state(*days))) == expected
    assert state_of(TODAY - timedelta(days=since), cycle, TODAY) == expected
    assert expected in STATES


def test_who_never_bought_or_has_no_cycle_is_nowhere() -> None:
    assert state_of(None, 30, TODAY) is None
    assert state_of(TODAY, None, TODAY) is None
