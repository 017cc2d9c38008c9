"""The programme as a file: what it may say, what applying it would change, applying it, and going back (L19)."""

from domain.operations.programme.advising import advice
from domain.operations.programme.applying import Change, diff, touches
from domain.operations.programme.exporting import export, plain
from domain.operations.programme.text import parse, read_text, skeleton, write_text
from domain.operations.programme.versions import (
    apply,
    apply_due,
    cancel,
    going_back,
    plan,
    roll_back,
    versions,
)
from domain.operations.programme.whole import LISTED, SINGLE, Programme, read

__all__ = [
    "LISTED", "SINGLE", "Change", "Programme", "advice", "apply", "apply_due", "cancel", "diff", "export", "going_back",
    "parse", "plain", "plan", "read", "read_text", "roll_back", "skeleton", "touches", "versions", "write_text",
]  # fmt: skip
