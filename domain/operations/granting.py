"""The one way to give a member something: a benefit, once for its cause."""

import pkgutil
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any

from sqlalchemy.orm import Session

from domain import benefits
from domain.operations import accessing, pointing, tiering


def grant(
    session: Session,
    *,
    member_id: int,
    benefit: Mapping[str, Any],
    cause: str,
    also: Callable[[Any], None] | None = None,
    evidence: Mapping[str, Any] | None = None,
    now: datetime,
) -> object | None:
    """Gives `benefit`, such as {"coupon": "welcome-100"}, {"points": 50} or {"tier_floor": {"tier": "silver"}}.

    `cause` says why, and makes it happen once: None when it was given before. What was given otherwise.
    `also` writes what belongs to a coupon given for the first time, before its stock is counted. `evidence` is what
    the giving rests on, kept by ledgers; {"order", "sku"} names what paid for it.
    Raises ValueError for a kind that domain/benefits has no file for, and a Refusal when none is left.
    """
    kind, value = next(iter(benefit.items()))
    if kind not in kinds() or len(benefit) != 1:
        raise ValueError(f"not a benefit: {dict(benefit)!r} (one of {', '.join(kinds())})")
    more: dict[str, Any] = {"also": also} if also else {}
    if kind in KEEP_EVIDENCE:
        more["evidence"] = dict(evidence or {})
    given: object | None = import_module(f"domain.benefits.{kind}").give(
        session, member_id=member_id, value=value, cause=cause, now=now, **more
    )
    if given is not None and kind in FOLLOWS:
        FOLLOWS[kind](session, [member_id], now=now)
    return given


KEEP_EVIDENCE = frozenset({"points", "access"})
# What is derived from a kind's ledger, and so brought in step once a line was added.
FOLLOWS: dict[str, Callable[..., int]] = {
    "tier_floor": tiering.settle,
    "points": pointing.put_in_step,
    "access": accessing.settle,
}


@cache
def kinds() -> tuple[str, ...]:
    """The benefits there are: one file each."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(benefits.__path__)))
