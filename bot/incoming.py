"""One event as LINE sent it, read without believing any of it: what is missing or odd becomes None."""

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Json = dict[str, Any]
USER_ID = re.compile(r"U[0-9a-f]{32}")
LONGEST_ID = 64
# A reply token lives a minute from the moment the webhook arrived; we stop a little before.
REPLY_LIFE = timedelta(seconds=50)
# JSON may carry what PostgreSQL cannot store: NUL, and halves of surrogate pairs.
UNSTORABLE = re.compile(
    r"((?:[^\\]|^)(?:\\\\)*)(\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\ud[89a-f][0-9a-f]{2}|\\u0000)", re.IGNORECASE
)


@dataclass(frozen=True)
class Incoming:
    """An event of the inbox. `now` is the business's moment of reading it."""

    id: str
    type: str
    at: datetime
    is_active: bool
    user_id: str | None
    reply_token: str | None
    reply_until: datetime | None
    raw: Json

    @property
    def message_id(self) -> str | None:
        """The chat message it is about."""
        found = self.text("message", "id") or self.text("unsend", "messageId")
        return found[:LONGEST_ID] if found else None

    def part(self, name: str) -> Json:
        """The payload's object of that name; empty when it is not there."""
        found = self.raw.get(name)
        return found if isinstance(found, dict) else {}

    def text(self, part: str, name: str) -> str | None:
        found = self.part(part).get(name)
        return found if isinstance(found, str) else None


def incoming(raw: Json, *, waited: timedelta, now: datetime) -> Incoming:
    """Reads `raw`; `waited` is how long it has lain in the inbox."""
    token = raw.get("replyToken")
    has_token = isinstance(token, str) and 0 < len(token) <= 255
    return Incoming(
        id=event_id(raw),
        type=str(raw.get("type"))[:LONGEST_ID],
        at=_moment(raw.get("timestamp"), now),
        is_active=raw.get("mode", "active") == "active",
        user_id=person_of(raw),
        reply_token=token if has_token else None,
        reply_until=now - waited + REPLY_LIFE if has_token else None,
        raw=raw,
    )


def event_id(raw: Json) -> str:
    """LINE's id; where there is none, a name made of the event itself, the same however often it comes."""
    given = raw.get("webhookEventId")
    if isinstance(given, str) and 0 < len(given) <= LONGEST_ID:
        return given
    told = {name: value for name, value in raw.items() if name != "deliveryContext"}
    return "sha:" + hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:60]


def storable(text: str) -> str:
    """JSON text without what no database column takes. Whole surrogate pairs (emoji) stay."""

    def clean(found: re.Match[str]) -> str:
        return found[0] if len(found[2]) == 12 else found[1] + "\\ufffd"

    previous = None
    while previous != text:
        previous, text = text, UNSTORABLE.sub(clean, text)
    return text


def _moment(timestamp: object, now: datetime) -> datetime:
    """LINE counts milliseconds. Something else, or a time that cannot be, is taken as now."""
    try:
        moment = datetime.fromtimestamp(int(str(timestamp)) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return now
    return moment if datetime(2011, 1, 1, tzinfo=UTC) < moment < now + timedelta(days=1) else now


def person_of(raw: Json) -> str | None:
    """The person of a one-to-one chat; groups and rooms are not ours to act on."""
    source = raw.get("source")
    if not isinstance(source, dict) or source.get("type") != "user":
        return None
    user_id = source.get("userId")
    return user_id if isinstance(user_id, str) and USER_ID.fullmatch(user_id) else None
