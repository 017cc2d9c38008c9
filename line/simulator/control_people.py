"""Control addresses about people: who there is, what is on their screens, what they do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from aiohttp import web

from line.simulator import acts
from line.simulator.login import ID_TOKEN_LIFE, signer
from line.simulator.people import User, user_from
from line.simulator.webhooks import Delivery, Webhooks
from line.simulator.world import World

Json = dict[str, Any]
Act = Callable[[User, Json], Awaitable[Any]]
Plain = Callable[[web.Request, Any], Any]


class PeopleDesk:
    """What can be asked of people, over one world."""

    def __init__(self, world: World, webhooks: Webhooks) -> None:
        self.world = world
        self.webhooks = webhooks

    def table(self) -> list[tuple[str, str, Plain]]:
        """Method, path and function of each address."""
        return [
            ("GET", "users", self.users),
            ("POST", "users", self.add_users),
            ("GET", "users/{user}", self.user),
            ("GET", "users/{user}/chat", self.chat),
            ("GET", "users/{user}/tokens", self.tokens),
            ("POST", "users/{user}/state", self.set_state),
            ("POST", "users/{user}/{act}", self.act),
            ("POST", "reply_tokens", self.reply_tokens),
        ]

    def users(self, request: web.Request, body: Json) -> list[Json]:
        """People matching a search."""
        limit = int(request.query.get("limit", "30"))
        return [_brief(user) for user in self.world.people.search(request.query.get("q", ""), limit)]

    def add_users(self, request: web.Request, body: Any) -> list[str]:
        """Add one person or a list of them."""
        rows = body if isinstance(body, list) else [body]
        return [self.world.people.add(user_from(row)).user_id for row in rows]

    def reply_tokens(self, request: web.Request, body: Json) -> list[str]:
        """Tokens for events that a program posts by itself: for whom, and when (in seconds from now) each is posted."""
        now = self.world.clock.seconds()
        return [self.world.reply_tokens.issue(user_id, now + at) for user_id, at in body["for"]]

    def user(self, request: web.Request, body: Json) -> Json:
        """One person."""
        return _brief(self._user(request))

    def chat(self, request: web.Request, body: Json) -> Json:
        """One person's screen: chat, menu, whether the account is about to answer."""
        user = self._user(request)
        menu = self.world.menus.shown_to(user.rich_menu_id if user.state == "friend" else None)
        last = int(request.query.get("last", "60"))
        return {
            "user": _brief(user),
            "lines": [asdict(line) for line in user.chat[-last:]],
            "menu": menu.as_json() if menu is not None and menu.image is not None else None,
            "loading": user.loading_until > self.world.clock.machine(),
        }

    def tokens(self, request: web.Request, body: Json) -> Json:
        """Tokens as LIFF would hold them."""
        user, now = self._user(request), self.world.clock.machine()
        life = int(request.query.get("expires_in", ID_TOKEN_LIFE))
        sign = signer(self.world)
        nonce = request.query.get("nonce")
        return {
            "id_token": sign.id_token(user, now, life, nonce),
            "access_token": sign.access_token(user, now),
            "hint": sign.hint(user, now),
        }

    def set_state(self, request: web.Request, body: Json) -> Json:
        """Put a person into a state without any webhook: friend, blocked, stranger, deleted; or expire their tokens."""
        user = self._user(request)
        if "state" in body:
            user.state = body["state"]
        if "expired_tokens" in body:
            (self.world.expired_tokens.add if body["expired_tokens"] else self.world.expired_tokens.discard)(
                user.user_id
            )
        self.world.changed(user.user_id)
        return _brief(user)

    async def act(self, request: web.Request, body: Json) -> Json:
        """What a person does on their phone."""
        user, world, hooks = self._user(request), self.world, self.webhooks
        doing: dict[str, Act] = {
            "follow": lambda user, body: acts.follow(world, hooks, user),
            "block": lambda user, body: acts.block(world, hooks, user),
            "say": lambda user, body: acts.say(world, hooks, user, body["text"]),
            "send": lambda user, body: acts.send_message(world, hooks, user, body["message"]),
            "postback": lambda user, body: acts.postback(
                world, hooks, user, body["data"], body.get("params"), body.get("shown")
            ),
            "unsend": lambda user, body: acts.unsend(world, hooks, user, body.get("message_id")),
            "tap": self._tap,
            "open": self._open,
            "receive": self._receive,
        }
        act = doing.get(request.match_info["act"])
        if act is None:
            raise LookupError(f"no act called {request.match_info['act']!r}; there are {', '.join(doing)}")
        done = await act(user, body)
        return {"webhook": done.as_json()} if isinstance(done, Delivery) else dict(done)

    async def _tap(self, user: User, body: Json) -> Json:
        action = acts.find_action(self.world, user, body.get("action") or body["label"])
        return await acts.tap(self.world, self.webhooks, user, action, body.get("picked"))

    async def _open(self, user: User, body: Json) -> Json:
        """Where a link goes when this person taps it, and what tells the page whose phone it is on."""
        hint = signer(self.world).hint(user, self.world.clock.machine())
        return {"opens": acts.resolve(self.world, body["uri"]), "hint": hint}

    async def _receive(self, user: User, body: Json) -> Json:
        """What a friend shares with this person; it needs no account in between, and LINE tells the app nothing."""
        for message in body["messages"]:
            self.world.say(user, "friend", message, via=f"shared by {body['sender']}")
        return {}

    def _user(self, request: web.Request) -> User:
        user = self.world.people.get(request.match_info["user"])
        if user is None:
            raise LookupError(f"nobody here has the id {request.match_info['user']!r}")
        return user


def _brief(user: User) -> Json:
    return {
        "user_id": user.user_id,
        "name": user.name,
        "language": user.language,
        "picture": user.picture,
        "member_ref": user.member_ref,
        "note": user.note,
        "state": user.state,
        "deliveries": user.deliveries,
        "rich_menu_id": user.rich_menu_id,
    }
