"""The people who hold the phones: their state towards the account, and their chats."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

USER_ID = re.compile(r"^U[0-9a-f]{32}$")
CHAT_ID = re.compile(r"^[UCR][0-9a-f]{32}$")
KEPT_PER_CHAT = 200
REACHABLE_AFTER_WORDS = 7 * 24 * 3600  # a stranger may be pushed to for seven days after writing to the account

State = Literal["friend", "blocked", "stranger", "deleted"]
Speaker = Literal["account", "user", "friend"]


@dataclass(slots=True)
class Line:
    """One line of a chat, as the phone draws it."""

    id: str
    by: Speaker
    at: str
    message: dict[str, Any]
    via: str = ""
    request_id: str = ""


@dataclass(slots=True)
class User:
    """One LINE user, as the account's provider knows them."""

    user_id: str
    name: str
    language: str = "zh-Hant"
    picture: str | None = None
    member_ref: str | None = None
    note: str | None = None  # who this is, for whoever tries the product as them
    state: State = "stranger"
    wrote_at: float | None = None
    rich_menu_id: str | None = None
    chat: list[Line] = field(default_factory=list)
    deliveries: int = 0
    loading_until: float = 0.0

    def is_reached(self, now: float) -> bool:
        """Whether a push would arrive: friends, and strangers who wrote within seven days."""
        if self.state == "friend":
            return True
        return self.state == "stranger" and self.wrote_at is not None and now - self.wrote_at < REACHABLE_AFTER_WORDS

    def shows_profile(self) -> bool:
        """Whether the account may read the profile."""
        return self.state == "friend" or (self.state == "stranger" and self.wrote_at is not None)

    def add(self, line: Line) -> None:
        """Append to the chat, forgetting the oldest lines."""
        self.chat.append(line)
        if len(self.chat) > KEPT_PER_CHAT * 2:
            del self.chat[:-KEPT_PER_CHAT]

    def profile(self) -> dict[str, str]:
        """The profile as both the Messaging API and LINE Login give it."""
        found = {"userId": self.user_id, "displayName": self.name, "language": self.language}
        if self.picture:
            found["pictureUrl"] = self.picture
        return found


class People:
    """All users, by id."""

    def __init__(self) -> None:
        self._by_id: dict[str, User] = {}

    def __iter__(self) -> Iterator[User]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, user_id: str) -> User | None:
        """The user, or None for an id the provider does not know."""
        return self._by_id.get(user_id)

    def add(self, user: User) -> User:
        """Make a user known."""
        self._by_id[user.user_id] = user
        return user

    def load(self, rows: Iterable[dict[str, Any]]) -> int:
        """Add users from lines as the practice town writes them; those already known keep their state."""
        count = 0
        for row in rows:
            count += 1
            if row.get("user_id") not in self._by_id:
                self.add(user_from(row))
        return count

    def search(self, text: str, limit: int = 30) -> list[User]:
        """People whose name, id or member reference contains the text; those with a note first, then friends."""
        wanted = text.casefold().strip()
        found = [user for user in self if wanted in f"{user.name} {user.user_id} {user.member_ref or ''}".casefold()]
        found.sort(key=lambda user: (user.note is None, user.note is None and user.state != "friend", not user.chat))
        return found[:limit]


def new_user_id() -> str:
    """A well-formed id nobody has."""
    return "U" + secrets.token_hex(16)


def user_from(row: dict[str, Any]) -> User:
    """A user from a JSON line or a control request."""
    state: State = row.get("state") or ("friend" if row.get("following") else "stranger")
    user_id = row.get("user_id") or new_user_id()
    if not USER_ID.match(user_id):
        raise ValueError(f"{user_id!r} is not a LINE user id (U and 32 hexadecimal digits)")
    return User(
        user_id=user_id,
        name=row.get("name") or "Someone",
        language=row.get("language") or "zh-Hant",
        picture=row.get("picture"),
        member_ref=row.get("member_ref"),
        note=row.get("note"),
        state=state,
    )
