"""No second ever holds more requests than 95 % of what LINE allows, however many senders ask."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from line.rate import bucket_of, rate_of, room, slow_down, take
from models.channel import RateBucket, the_channel
from tests.support.moments import NOW


@pytest.fixture
def multicasts(session: Session) -> RateBucket:
    return bucket_of(session, the_channel(session).id, "multicast")


def test_moments_are_spaced_across_claims(multicasts: RateBucket) -> None:
    leaving: list[float] = []
    for step in range(40):  # a sender that always wants more, asking every tenth of a second
        machine = NOW + timedelta(seconds=step / 10)
        leaving += take(multicasts, room(multicasts, machine), machine)
    assert leaving == sorted(leaving)
    assert max(sum(start <= each < start + 1 for each in leaving) for start in leaving) <= 191
    assert len(leaving) > 190 * 4


def test_after_a_warning_nothing_leaves_for_a_second_and_then_half_as_much(multicasts: RateBucket) -> None:
    slow_down(multicasts, NOW)
    assert room(multicasts, NOW) == 0
    assert room(multicasts, NOW + timedelta(seconds=1)) == 95


def test_the_rate_grows_back_step_by_step(multicasts: RateBucket) -> None:
    slow_down(multicasts, NOW)
    rates = [rate_of(multicasts, NOW + timedelta(seconds=after)) for after in (0, 9, 10, 20, 30, 40, 3600)]
    assert rates == [95, 95, 118.75, 148.4375, 185.546875, 190, 190]


def test_many_answers_to_one_burst_are_one_warning_and_a_rate_never_dies(multicasts: RateBucket) -> None:
    for _ in range(50):
        slow_down(multicasts, NOW)
    assert rate_of(multicasts, NOW) == 95
    for seconds in range(0, 30, 3):
        slow_down(multicasts, NOW + timedelta(seconds=seconds))
    assert rate_of(multicasts, NOW + timedelta(seconds=30)) >= 190 / 4


def test_a_warning_while_slow_does_not_stop_everything(multicasts: RateBucket) -> None:
    slow_down(multicasts, NOW)
    later = NOW + timedelta(seconds=5)
    slow_down(multicasts, later)
    assert room(multicasts, later) > 0


def test_a_clock_put_back_stops_nothing(multicasts: RateBucket) -> None:
    ahead = NOW + timedelta(hours=2)
    take(multicasts, 10, ahead)
    slow_down(multicasts, ahead)
    assert room(multicasts, NOW) == 190
    moments = take(multicasts, 2, NOW)
    assert moments[0] == NOW.timestamp()
    slow_down(multicasts, NOW)  # a warning of today counts, though one of the wrong time stood there
    assert room(multicasts, NOW) == 0
