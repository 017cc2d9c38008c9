"""One line of events.jsonl."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class Happening:
    """Something that happened to somebody. `campaign` is the send it traces to."""

    kind: str
    who: str
    at: datetime
    source: str = "line"
    campaign: str = ""
    object: str = ""
    data: dict[str, Any] = field(default_factory=dict)

    def as_line(self) -> dict[str, Any]:
        line: dict[str, Any] = {
            "kind": self.kind,
            "member_ref": self.who,
            "at": self.at.isoformat(timespec="seconds"),
            "source": self.source,
        }
        more = {"campaign": self.campaign, "object": self.object, "data": self.data}
        return line | {name: value for name, value in more.items() if value}
