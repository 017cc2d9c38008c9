"""The hold-out: who is kept from a programme's messages so that their effect can be seen (definitions §8).

A stable draw: the same people for the programme's life, on any database and any machine.
"""

import hashlib

from sqlalchemy import ColumnElement, String, cast, false, literal, true
from sqlalchemy.orm import InstrumentedAttribute

from models.arithmetic import digest

STEPS = 2**32  # the draw is the first four bytes of a digest


def is_held_out(member_id: int, *, programme: str, salt: str, percent: int) -> bool:
    """The draw for one person."""
    drawn = hashlib.sha256(f"{salt}:{programme}:{member_id}".encode()).digest()
    return int.from_bytes(drawn[:4], "big") < _limit(percent)


def held_out(
    member_id: ColumnElement[int] | InstrumentedAttribute[int], *, programme: str, salt: str, percent: int
) -> ColumnElement[bool]:
    """The same draw for everyone of a query. Bytes compare from the left, so four of them are a limit."""
    limit = _limit(percent)
    if not 0 < limit < STEPS:
        return true() if limit else false()
    return digest(literal(f"{salt}:{programme}:").concat(cast(member_id, String))) < limit.to_bytes(4, "big")


def _limit(percent: int) -> int:
    return max(0, min(STEPS, percent * STEPS // 100))
