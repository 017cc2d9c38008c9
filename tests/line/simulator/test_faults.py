"""Faults do to a call what they say."""

import contextlib
import time
import uuid

import pytest
import requests

from line.simulator.testing import Simulator, SimulatorRefused
from tests.line.simulator.conftest import Line


@pytest.mark.parametrize(
    ("kind", "status", "delivered"),
    [
        ("error_before", 500, 0),
        ("error_after", 500, 1),
        ("rate_limited", 429, 0),
        ("quota", 429, 0),
        ("html", 502, 0),
        ("unauthorized", 401, 0),
    ],
)
def test_an_answer_goes_wrong(simulator: Simulator, line: Line, kind: str, status: int, delivered: int) -> None:
    user = simulator.add_user(following=True)
    simulator.faults(kind, "push", times=1)
    assert line.push(user).status_code == status
    assert simulator.deliveries().get(user, 0) == delivered
    assert simulator.requests("push")[0]["fault"] == kind


@pytest.mark.parametrize(("kind", "delivered"), [("reset_before", 0), ("reset_after", 1)])
def test_the_connection_breaks(simulator: Simulator, line: Line, kind: str, delivered: int) -> None:
    user = simulator.add_user(following=True)
    simulator.faults(kind, "push", times=1)
    with pytest.raises(requests.ConnectionError):
        line.push(user)
    assert simulator.deliveries().get(user, 0) == delivered


@pytest.mark.parametrize(("kind", "delivered"), [("timeout_before", 0), ("timeout_after", 1)])
def test_no_answer_comes(simulator: Simulator, line: Line, kind: str, delivered: int) -> None:
    user = simulator.add_user(following=True)
    simulator.faults(kind, "push", times=1)
    with pytest.raises(requests.Timeout):
        line.push(user, timeout=0.3)
    assert simulator.deliveries().get(user, 0) == delivered


def test_a_late_answer_has_been_accepted_meanwhile(simulator: Simulator, line: Line) -> None:
    user, key = simulator.add_user(following=True), str(uuid.uuid4())
    simulator.faults("delay", "push", times=1, seconds=1)
    with pytest.raises(requests.Timeout):
        line.push(user, key=key, timeout=0.3)
    assert line.push(user, key=key).status_code == 409
    assert simulator.deliveries() == {user: 1}


def test_a_fault_strikes_only_where_and_as_often_as_asked(simulator: Simulator, line: Line) -> None:
    user = simulator.add_user(following=True)
    simulator.faults("error_before", "multicast")
    simulator.faults("error_before", "push", rate=0.5)
    statuses = [line.push(user).status_code for _ in range(60)]
    assert 10 < statuses.count(500) < 50
    simulator.no_faults()
    assert line.multicast(user).status_code == 200


def test_connections_are_refused_for_a_while(simulator: Simulator, line: Line) -> None:
    user = simulator.add_user(following=True)
    simulator.faults("refuse", seconds=1.5)
    time.sleep(0.4)
    with pytest.raises(requests.ConnectionError):
        line.push(user)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(requests.ConnectionError):
            assert line.push(user).status_code == 200
            return
        time.sleep(0.1)
    pytest.fail("the port stayed closed")


def test_an_unknown_fault_is_named(simulator: Simulator) -> None:
    with pytest.raises(SimulatorRefused, match="no fault called 'flood'"):
        simulator.faults("flood")
