"""The programme as a file: what it may say, what applying it would change, and applying it (L19)."""

from domain.operations.programme.applying import apply, diff
from domain.operations.programme.exporting import export
from domain.operations.programme.whole import Programme, read

__all__ = ["Programme", "apply", "diff", "export", "read"]
