"""The hold-out: who is kept from a programme's messages so that their effect can be seen (definitions §8).

A stable draw: the same people for the programme's life, on any database and any machine.
"""

from sqlalchemy import ColumnElement, String, cast, literal

from models.arithmetic import LOTS, lot, lot_of


def is_held_out(member_id: int, *, programme: str, salt: str, percent: int) -> bool:
    """The draw for one person."""
    return lot_of(f"{salt}:{programme}:{member_id}") < percent * LOTS // 100


def held_out(
    member_id: ColumnElement[int], *, programme: str, salt: str, percent: int
) -> ColumnElement[bool]:
    """The same draw for everyone of a query."""
    drawn = lot(literal(f"{salt}:{programme}:").concat(cast(member_id, String)))
    return drawn < percent * LOTS // 100
