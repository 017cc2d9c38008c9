"""Faults one can turn on: what goes wrong between the app and LINE, on the way in and on the way back."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from typing import Any

CALL_FAULTS = {
    "delay": "answers late, though accepted",
    "error_before": "500, nothing accepted",
    "error_after": "500, though accepted",
    "timeout_before": "no answer, nothing accepted",
    "timeout_after": "no answer, though accepted",
    "reset_before": "connection breaks, nothing accepted",
    "reset_after": "connection breaks, though accepted",
    "rate_limited": "429, too many calls",
    "quota": "429, the month is used up",
    "html": "502 with an HTML page",
    "portal": "200 with the page of a network in between, nothing accepted",
    "empty_body": "200 without a body, though accepted",
    "broken_json": "200 with half an answer, though accepted",
    "unauthorized": "401, the token was reissued",
}
WEBHOOK_FAULTS = {
    "duplicate": "webhooks arrive twice",
    "reorder": "webhooks change places",
    "delay": "webhooks arrive late",
    "drop": "webhooks are lost",
}
OTHER_FAULTS = {"refuse": "connections are refused"}


@dataclass
class Fault:
    """One thing that goes wrong: where, how often, how long."""

    kind: str
    endpoint: str = "*"
    times: int | None = None
    rate: float = 1.0
    seconds: float = 30.0
    hit: int = 0

    def applies(self, endpoint: str, chance: float) -> bool:
        """Whether it strikes this call."""
        return self.endpoint in ("*", endpoint) and self.times != 0 and chance < self.rate


@dataclass
class Faults:
    """The faults that are on."""

    active: list[Fault] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(20261121))

    def add(self, kind: str, **options: Any) -> Fault:
        """Turn one on; the endpoint `webhook` means calls from LINE to the app."""
        known = WEBHOOK_FAULTS if options.get("endpoint") == "webhook" else CALL_FAULTS | OTHER_FAULTS
        if kind not in known:
            raise ValueError(f"no fault called {kind!r}; there are {', '.join(known)}")
        fault = Fault(kind, **options)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """Turn all off."""
        self.active.clear()

    def strike(self, endpoint: str) -> Fault | None:
        """The fault that hits this call, if any; counts it."""
        for fault in self.active:
            if (fault.endpoint == "webhook") == (endpoint == "webhook") and self._hits(fault, endpoint):
                return fault
        return None

    def strikes(self, endpoint: str) -> list[Fault]:
        """All the faults that hit at once: a webhook may be late and doubled."""
        return [fault for fault in self.active if fault.endpoint == endpoint and self._hits(fault, endpoint)]

    def _hits(self, fault: Fault, endpoint: str) -> bool:
        chance = 0.0 if fault.rate >= 1 else self.chance.random()
        if not fault.applies(endpoint, chance):
            return False
        fault.hit += 1
        if fault.times is not None:
            fault.times -= 1
        return True

    def as_json(self) -> list[dict[str, Any]]:
        """For the panel."""
        return [asdict(fault) for fault in self.active]
