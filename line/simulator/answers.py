"""What a request to the simulator is, and what it answers: LINE's status codes, headers and error texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RATE_LIMITED = "The API rate limit has been exceeded. Try again later."
OVER_QUOTA = "You have reached your monthly limit."


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a request, as LINE lists it under `details`."""

    message: str
    where: str

    def as_json(self) -> dict[str, str]:
        """The shape LINE answers with."""
        return {"message": self.message, "property": self.where}


@dataclass(slots=True)
class Answer:
    """An HTTP answer, before it is bytes."""

    status: int = 200
    payload: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    blob: bytes | None = None
    content_type: str = "application/json"


class Refusal(Exception):
    """LINE says no: a status and its text. A breach of the contract is recorded besides."""

    def __init__(self, status: int, message: str, details: list[Problem] | None = None, *, breach: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = details
        self.breach = breach

    def answer(self) -> Answer:
        """The refusal as LINE words it."""
        payload: dict[str, Any] = {"message": self.message}
        if self.details is not None:
            payload["details"] = [problem.as_json() for problem in self.details]
        return Answer(self.status, payload)


class LoginRefusal(Refusal):
    """LINE Login says no, in the shape of OAuth."""

    def answer(self) -> Answer:
        """The refusal as OAuth words it."""
        return Answer(self.status, {"error": "invalid_request", "error_description": self.message})


@dataclass(slots=True)
class Call:
    """One request, read and authenticated."""

    endpoint: str
    request_id: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw: bytes
    body: dict[str, Any]
    recipients: tuple[str, ...] = ()
    messages: int = 0

    @property
    def retry_key(self) -> str | None:
        """What the caller sent as X-Line-Retry-Key."""
        return self.headers.get("X-Line-Retry-Key")


def invalid_body(problems: list[Problem]) -> Refusal:
    """400 for a body that breaks the contract, listing each breach."""
    text = "; ".join(f"{problem.where}: {problem.message}" for problem in problems)
    return Refusal(400, f"The request body has {len(problems)} error(s)", problems, breach=text)


def invalid_property(name: str) -> Refusal:
    """400 for one property that cannot be what it is."""
    text = f"The property, {name}, in the request body is invalid (line: -, column: -)"
    return Refusal(400, text, breach=text)


def not_found() -> Refusal:
    """404, the way most endpoints say it."""
    return Refusal(404, "Not found")
