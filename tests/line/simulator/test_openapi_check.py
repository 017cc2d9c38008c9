"""Where LINE's own description is at hand, each request is held against it too."""

import pytest

from line.simulator import openapi_check
from line.simulator.testing import Simulator
from tests.line.simulator.conftest import Line
from tests.line.simulator.test_phones import CARD

described = openapi_check.find()
pytestmark = pytest.mark.skipif(described is None, reason="LINE's OpenAPI files are not beside the checkout")
PUSH = ("POST", "/v2/bot/message/push")


def test_what_lines_description_allows_passes() -> None:
    assert described is not None
    assert described.problems(*PUSH, {"to": "U1", "messages": [CARD, {"type": "text", "text": "Hi"}]}) == []


@pytest.mark.parametrize(
    ("message", "place"),
    [
        ({"type": "text"}, "messages[0]"),
        ({"type": "telegram"}, "messages[0].type"),
        ({"type": "flex", "altText": "a", "contents": {"type": "bubble", "size": "huge"}}, "messages[0].contents.size"),
    ],
)
def test_what_it_does_not_allow_is_named(message: dict, place: str) -> None:
    assert described is not None
    assert place in [problem.where for problem in described.problems(*PUSH, {"to": "U1", "messages": [message]})]


def test_an_unknown_path_or_one_without_body_is_left_alone() -> None:
    assert described is not None
    assert described.problems("POST", "/nowhere", {}) == []


def test_requests_are_checked_on_the_wire(simulator: Simulator, line: Line) -> None:
    answer = line.push(simulator.add_user(following=True), {"type": "text", "text": 5})
    assert answer.status_code == 400
    assert simulator.violations()[0]["text"].startswith("messages[0].text: OpenAPI")


def test_validate_and_paths_with_parameters_are_found() -> None:
    assert described is not None
    path = "/v2/bot/message/validate/{kind:reply|push|multicast|narrowcast|broadcast}"
    assert described.problems("POST", path, {"messages": "none"}) != []
    assert described.problems("POST", "/v2/bot/richmenu/alias/{alias_id}", {}) != []
