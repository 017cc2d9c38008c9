"""Whatever is late (a stalled process, a network that lets go of many at once), no second holds too many."""

import random
from collections.abc import Callable

import pytest

from line.pacing import Gate
from line.watching import SharedTime

RATE, LIMIT = 190.0, 200


def worst_second(arrivals: list[float]) -> int:
    arrivals = sorted(arrivals)
    worst = first = 0
    for last, at in enumerate(arrivals):
        while arrivals[first] <= at - 1:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


class Played:
    """A sender on played time: moments come evenly, requests leave when the gate lets them, answers come back."""

    def __init__(self, *, way: Callable[[float], tuple[float, float]], sleeps: Callable[[float], float]) -> None:
        self.gate, self.way, self.sleeps = Gate(), way, sleeps
        self.arrivals: list[float] = []
        self.due: list[float] = []
        self.out: list[tuple[float, float]] = []  # (answered at, left at)
        self.moments: Callable[[float], bool] = lambda _at: True  # which of all are this host's

    def run(self, seconds: float) -> list[float]:
        now, granted = 0.0, 0.0
        while now < seconds:
            while granted <= now + 0.5:  # given ahead, as the bucket does
                some = [at for n in range(10) if self.moments(at := granted + n / RATE)]
                self.gate.expect(some)
                self.due += some
                granted += 10 / RATE
            self.step(now)
            now = self.sleeps(now) or now + 0.004
        return self.arrivals

    def step(self, now: float) -> None:
        for answered, left in sorted(self.out):
            if answered <= now:
                self.gate.came_back(left, now)
                self.out.remove((answered, left))
        while self.due and self.due[0] <= now and (now - self.due[0] > 1 or self.gate.is_open(now)):
            if now - self.due.pop(0) > 1:
                continue
            there, back = self.way(now)
            self.gate.left(now)
            self.arrivals.append(now + there)
            self.out.append((now + there + back, now))


def steady(_now: float) -> tuple[float, float]:
    return 0.02, 0.03


def awake(_now: float) -> float:
    return 0.0


def test_undisturbed_every_moment_is_used() -> None:
    arrivals = Played(way=steady, sleeps=awake).run(10)
    assert len(arrivals) >= 0.97 * RATE * 10
    assert worst_second(arrivals) <= RATE + 2


@pytest.mark.parametrize("stall", [0.03, 0.2, 0.7, 3.0])
def test_a_loop_that_stalls_makes_nothing_bunch(stall: float) -> None:
    def sleeps(now: float) -> float:
        return now + stall if int(now * 250) % 400 == 0 and now > 1 else 0.0

    arrivals = Played(way=steady, sleeps=sleeps).run(15)
    assert worst_second(arrivals) <= LIMIT
    assert arrivals


def test_a_network_that_holds_back_and_lets_go_makes_nothing_bunch() -> None:
    def way(now: float) -> tuple[float, float]:  # for a second in four, what leaves arrives only at its end
        held = max(0.0, (now // 4) * 4 + 1 - now)
        return held + 0.02, 0.03

    arrivals = Played(way=way, sleeps=awake).run(20)
    assert worst_second(arrivals) <= LIMIT
    assert len(arrivals) > 0.5 * RATE * 20


def test_slow_ways_cost_speed_and_never_the_limit() -> None:
    dice = random.Random(5)
    arrivals = Played(way=lambda _now: (dice.uniform(0.01, 0.4), dice.uniform(0.01, 0.4)), sleeps=awake).run(20)
    assert worst_second(arrivals) <= LIMIT
    assert len(arrivals) > 0.5 * RATE * 20


def test_the_shared_clock_is_read_through_slow_answers() -> None:
    time = SharedTime()
    time.compare(10.0, 1000.001, 10.002)
    time.compare(20.0, 1010.4, 20.5)  # half a second on its way: says little, and is not believed
    assert time.local(1000.0) == pytest.approx(9.999, abs=0.001)


def test_a_shared_clock_that_was_set_is_followed() -> None:
    time = SharedTime()
    time.compare(10.0, 1000.001, 10.002)
    time.compare(20.0, 1310.001, 20.002)
    assert time.local(1310.0) == pytest.approx(20.0, abs=0.002)


def test_what_one_host_missed_it_does_not_use_while_another_uses_its_own() -> None:
    """Two hosts share the rate. One stalls again and again, the other has the moments that come after."""
    arrivals: list[float] = []
    for stalls in (True, False):
        host = Played(way=steady, sleeps=lambda now, on=stalls: now + 0.6 if on and int(now * 250) % 500 == 1 else 0.0)
        host.moments = lambda at, on=stalls: (at % 2 < 0.5) == on  # the first half second of two, and the rest
        arrivals += host.run(12)
    assert worst_second(arrivals) <= LIMIT
    assert len(arrivals) > 0.5 * RATE * 12
