"""Checks a benefit as the file says it: `{kind: value}`, where the kind's own file knows what may stand there."""

from importlib import import_module
from typing import Any

from domain.operations import granting
from domain.operations.programme.sections._section import Whole
from domain.operations.programme.sections._words import wrong


def check_benefit(where: str, benefit: dict[str, Any], whole: Whole) -> None:
    """Refuses what no file of domain/benefits gives, and what its `wrong(value, keys)` objects to."""
    if len(benefit) != 1:
        wrong(where, "say one benefit")
    kind, value = next(iter(benefit.items()))
    if kind not in granting.kinds():
        wrong(where, f"there is no benefit {kind!r}; there are: {', '.join(granting.kinds())}")
    objection = import_module(f"domain.benefits.{kind}").wrong(value, whole.keys)
    if objection:
        wrong(where, objection)
