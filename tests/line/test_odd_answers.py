"""Answers that are not LINE's, or only half of one: nobody gets a message twice, nobody is left out."""

import pytest

from line.sender import Sender
from line.simulator.testing import Simulator
from line.transport import Answer
from models.session import Sessions
from tests.line.test_sender import awake, found, line, person, put, sender, shared_line

__all__ = ["line", "sender", "shared_line"]  # fixtures


@pytest.mark.parametrize(
    ("fault", "calls"),
    [
        ("html", 2),  # 502 with a page
        ("portal", 2),  # 200 with the page of a network in between
        ("empty_body", 1),  # LINE's 200, its body lost
        ("broken_json", 1),  # LINE's 200, half its body lost
    ],
)
def test_an_odd_answer_costs_at_most_a_second_call(
    sessions: Sessions, line: Simulator, sender: Sender, fault: str, calls: int
) -> None:
    line.faults(fault, endpoint="push", times=1)
    row = put(sessions, person(sessions, line))
    sender.drain()
    awake(sessions)
    sender.drain()
    sent = found(sessions, row)
    assert (sent.state, bool(sent.request_id)) == ("sent", True)
    assert line.deliveries() == {sent.to: 1}
    assert line.pace("push")["calls"] == calls
    assert line.violations() == []


def test_an_answer_that_takes_longer_than_we_wait_is_asked_for_again(
    sessions: Sessions, line: Simulator, sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("line.transport.ATTEMPT_SECONDS", 0.5)
    line.faults("delay", endpoint="push", times=1, seconds=2)
    row = put(sessions, person(sessions, line))
    sender.drain()
    awake(sessions)
    sender.drain()
    assert found(sessions, row).state == "sent"
    assert line.pace("push")["calls"] == 2
    assert list(line.deliveries().values()) == [1]


@pytest.mark.parametrize("status", [200, 400, 403, 404])
def test_what_does_not_come_from_line_settles_nothing(status: int) -> None:
    assert Answer(status, "<html>", is_lines=False).verdict == "unclear"
    assert Answer(status, "", "an-id-of-lines").verdict in {"accepted", "refused"}
