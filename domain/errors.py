"""Every way we refuse, in one tree. A refusal has a stable code and says, in words, what to do now.

Doors turn the branch of the tree into their own shape (an HTTP status, a message on a page); the words
are message ids, translated by the doors, who know the person's language.
"""

from typing import Any, ClassVar


class Refusal(Exception):
    """What did not happen, why, and what to do now. `message` is an English msgid with %(name)s fields."""

    code: str = "refused"
    status: ClassVar[int] = 400

    def __init__(self, message: str, *, code: str | None = None, **values: Any) -> None:
        self.message = message
        self.values = values
        if code:
            self.code = code
        super().__init__(message % values if values else message)


class Invalid(Refusal):
    """What was sent cannot be right."""

    code = "invalid"
    status = 422


class NotSignedIn(Refusal):
    """We do not know who is asking."""

    code = "not_signed_in"
    status = 401


class NotAllowed(Refusal):
    """We know who is asking, and it is not theirs to do."""

    code = "not_allowed"
    status = 403


class NotFound(Refusal):
    """There is no such thing, or none that this person may see."""

    code = "not_found"
    status = 404


class Conflict(Refusal):
    """It cannot be done any more, or not twice: taken, used, sold out, already so."""

    code = "conflict"
    status = 409


class Gone(Refusal):
    """It was once, and has ended."""

    code = "gone"
    status = 410


class TooMany(Refusal):
    """Too often; later it is fine."""

    code = "too_many"
    status = 429


class Unavailable(Refusal):
    """Not now, through no fault of the asker; again in a moment."""

    code = "unavailable"
    status = 503
