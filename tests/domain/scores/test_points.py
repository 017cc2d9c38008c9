"""Lots follow from the lines of a ledger, whatever order they came in (domain/scores/points.py)."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.scores._point_terms import Judged, On, Terms
from domain.scores.points import Entry, kept, replay

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(n: int) -> datetime:
    return START + timedelta(days=n)


def entry(id: int, points: int, on: int, *, usable: int | None = None, ends: int | None = None, **more: int) -> Entry:
    usable_at = day(on if usable is None else usable)
    return Entry(id, points, day(on), usable_at, day(ends) if ends is not None else None, **more)


def left(*entries: Entry, on: int = 1_000) -> dict[int, int]:
    return {lot.entry.id: lot.remaining for lot in replay(entries, now=day(on)) if lot.remaining}


def ran_out(*entries: Entry, on: int = 1_000) -> dict[int, int]:
    return {lot.entry.id: lot.expired for lot in replay(entries, now=day(on)) if lot.expired}


def test_what_ends_first_is_spent_first() -> None:
    assert left(entry(1, 50, 0, ends=900), entry(2, 50, 1, ends=300), entry(3, -70, 2), on=3) == {1: 30}


def test_what_is_on_its_way_is_spent_last() -> None:
    assert left(entry(1, 50, 0, usable=9, ends=300), entry(2, 50, 1, ends=900), entry(3, -50, 2), on=3) == {1: 50}


def test_a_debt_is_filled_by_what_comes_next() -> None:
    earned, spent, back = entry(1, 20, 0, order=7), entry(2, -20, 1), entry(3, -20, 2, order=7)
    assert left(earned, spent, back) == {3: -20}
    assert left(earned, spent, back, entry(4, 15, 3)) == {3: -5}
    assert left(earned, spent, back, entry(4, 15, 3), entry(5, 15, 4)) == {5: 10}


def test_a_refund_takes_first_what_its_own_order_earned() -> None:
    own, other = entry(1, 24, 0, ends=900, order=7), entry(2, 50, 0, ends=300)
    assert left(own, other, entry(3, -12, 1, order=7), on=2) == {1: 12, 2: 50}


def test_what_is_left_at_its_end_runs_out_and_a_last_second_still_counts() -> None:
    earned = entry(1, 50, 0, ends=100)
    assert left(earned, entry(2, -20, 5), on=100) == {1: 30}
    assert left(earned, entry(2, -20, 5), on=101) == {}
    assert ran_out(earned, entry(2, -20, 5), on=101) == {1: 30}


def test_a_refund_of_what_ran_out_makes_no_debt() -> None:
    earned, back = entry(1, 24, 0, ends=100, order=7), entry(2, -12, 200, order=7)
    assert left(earned, back) == {}
    assert ran_out(earned, back) == {1: 12}


def test_a_spending_taken_back_gives_each_lot_what_it_gave() -> None:
    first, second, spent = entry(1, 30, 0, ends=300), entry(2, 30, 0, ends=900), entry(3, -40, 1)
    assert left(first, second, spent, entry(4, 40, 2, undoes=3), on=3) == {1: 30, 2: 30}


def test_a_spending_taken_back_after_its_lot_ended_comes_back_as_ended() -> None:
    earned, spent, undone = entry(1, 30, 0, ends=10), entry(2, -30, 9), entry(3, 30, 11, undoes=2)
    assert left(earned, spent, undone) == {}
    assert ran_out(earned, spent, undone) == {1: 30}


STEPS = st.lists(st.tuples(st.integers(-60, 60), st.integers(0, 400), st.sampled_from([None, 1, 2, 3])), max_size=12)


@given(STEPS, st.integers(0, 999))
def test_the_order_in_which_lines_become_known_changes_nothing(
    steps: list[tuple[int, int, int | None]], seed: int
) -> None:
    entries = [
        Entry(n, points, day(on), day(on + 7), day(on + 365) if points > 0 else None, order)
        for n, (points, on, order) in enumerate(steps, 1)
    ]
    mixed = random.Random(seed).sample(entries, len(entries))
    for on in (50, 200, 500, 900):
        lots = replay(entries, now=day(on))
        assert lots == replay(mixed, now=day(on))
        happened = sum(each.points for each in entries)
        assert sum(lot.remaining for lot in lots) == happened - sum(lot.expired for lot in lots)


@pytest.mark.parametrize(
    ("earned", "gross", "net", "expected"), [(24, 1234, 617, 12), (12, 1234, 1233, 11), (5, 0, 0, 0)]
)
def test_refunds_take_back_in_proportion_rounded_up_for_the_shop(
    earned: int, gross: int, net: int, expected: int
) -> None:
    assert kept(earned, gross=gross, net=net) == expected


def test_of_several_multipliers_the_highest_applies() -> None:
    terms = Terms.model_validate({"since": "2026-01-01", "times": [
        {"key": "gold", "times": 1.5, "tiers": ["gold"]},
        {"key": "day", "times": 2, "on": {"month_days": [18]}},
        {"key": "asked", "times": 3, "rule": {"condition": "registered"}},
    ]})  # fmt: skip
    the_18th, other = START.date().replace(day=18), START.date()
    assert terms.highest(the_18th, "gold", []).times == 2
    assert terms.highest(other, "gold", []).key == "gold"
    assert terms.highest(other, None, ["asked"]).times == 3
    assert terms.highest(other, None, []) is None


def test_a_day_narrows_by_everything_it_says() -> None:
    fridays_in_may = On(weekdays=[5], months=[5])
    assert fridays_in_may.holds(date(2026, 5, 1))
    assert not fridays_in_may.holds(date(2026, 5, 2))
    assert not fridays_in_may.holds(date(2026, 6, 5))


def test_whole_hundreds_are_counted_before_they_are_multiplied() -> None:
    assert Judged(100, 1, 2).earned(1234, 0) == 24
    assert Judged(100, 1).earned(1234, 0) == 12
    assert Judged(100, 1, 1.5).earned(12345, 2) == 1  # 123.45 baht
