"""What people do on their phones, and what LINE then tells the app."""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import quote, urlsplit

from line.simulator.people import User
from line.simulator.webhooks import Delivery, Webhooks, event
from line.simulator.world import World


class NothingToTap(LookupError):
    """No button, quick reply or menu area of that name is on the screen."""


async def follow(world: World, webhooks: Webhooks, user: User) -> Delivery:
    """Add the account as a friend, or unblock it."""
    unblocked = user.state == "blocked"
    user.state = "friend"
    world.changed(user.user_id)
    return await webhooks.send(event(world, user, "follow", follow={"isUnblocked": unblocked}))


async def block(world: World, webhooks: Webhooks, user: User) -> Delivery:
    """Block the account: LINE calls this unfollow."""
    user.state = "blocked"
    user.rich_menu_id = None
    world.changed(user.user_id)
    return await webhooks.send(event(world, user, "unfollow"))


async def say(world: World, webhooks: Webhooks, user: User, text: str) -> Delivery:
    """Write to the account."""
    user.wrote_at = world.clock.seconds()
    line = world.say(user, "user", {"type": "text", "text": text})
    message = {
        "type": "text",
        "id": line.id,
        "quoteToken": secrets.token_hex(24),
        "markAsReadToken": secrets.token_hex(24),
        "text": text,
    }
    return await webhooks.send(event(world, user, "message", message=message))


async def send_message(world: World, webhooks: Webhooks, user: User, message: dict[str, Any]) -> Delivery:
    """Send a sticker, a place or a picture."""
    user.wrote_at = world.clock.seconds()
    line = world.say(user, "user", message)
    return await webhooks.send(event(world, user, "message", message={"id": line.id, **message}))


async def postback(
    world: World,
    webhooks: Webhooks,
    user: User,
    data: str,
    params: dict[str, Any] | None = None,
    shown: str | None = None,
) -> Delivery:
    """Press something that carries data; what it shows as said appears in the chat."""
    if shown:
        world.say(user, "user", {"type": "text", "text": shown})
    payload: dict[str, Any] = {"data": data}
    if params:
        payload["params"] = params
    return await webhooks.send(event(world, user, "postback", postback=payload))


async def unsend(world: World, webhooks: Webhooks, user: User, message_id: str | None = None) -> Delivery:
    """Take back a message: the last one unless named."""
    own = [line for line in user.chat if line.by == "user" and message_id in (None, line.id)]
    if not own:
        raise NothingToTap("this person has written nothing that could be taken back")
    user.chat.remove(own[-1])
    world.changed(user.user_id)
    return await webhooks.send(event(world, user, "unsend", unsend={"messageId": own[-1].id}))


def buttons(world: World, user: User) -> list[dict[str, Any]]:
    """Every action on the screen, what would be tapped first coming first: quick replies, newest messages, menu."""
    found: list[dict[str, Any]] = []
    if user.chat and user.chat[-1].by == "account":
        items = (user.chat[-1].message.get("quickReply") or {}).get("items", [])
        found += [item["action"] for item in items]
    for line in reversed(user.chat):
        if line.by in ("account", "friend"):
            found += actions_in(line.message)
    menu = world.menus.shown_to(user.rich_menu_id if user.state == "friend" else None)
    if menu is not None:
        found += [area["action"] for area in menu.content.get("areas", [])]
    return found


def actions_in(part: Any) -> list[dict[str, Any]]:
    """The actions inside a message, quick replies apart, in reading order."""
    if isinstance(part, list):
        return [action for item in part for action in actions_in(item)]
    if not isinstance(part, dict):
        return []
    found = []
    for key, value in part.items():
        if key in ("action", "defaultAction") and isinstance(value, dict):
            found.append(value)
        elif key == "actions" and isinstance(value, list):
            found += value
        elif key != "quickReply":
            found += actions_in(value)
    return found


def find_action(world: World, user: User, wanted: str | dict[str, Any]) -> dict[str, Any]:
    """The action with this label, or with this data, text, address or alias."""
    on_screen = buttons(world, user)
    if isinstance(wanted, dict):
        return wanted
    for action in on_screen:
        if action.get("label") == wanted:
            return action
    for action in on_screen:
        if wanted in (action.get("data"), action.get("text"), action.get("uri"), action.get("richMenuAliasId")):
            return action
    seen = [action.get("label") or action.get("data") or action.get("uri") for action in on_screen]
    raise NothingToTap(f"nothing called {wanted!r} on the screen; there is {seen}")


async def tap(
    world: World, webhooks: Webhooks, user: User, action: dict[str, Any], picked: str | None = None
) -> dict[str, Any]:
    """Do what a phone does with an action: send it, or say which page it opens."""
    kind = action["type"]
    if kind == "uri":
        return {"opens": resolve(world, action["uri"]), "uri": action["uri"]}
    if kind == "clipboard":
        return {"copied": action["clipboardText"]}
    if kind == "message":
        return _done(await say(world, webhooks, user, action["text"]))
    if kind == "datetimepicker":
        value = picked or action.get("initial") or action.get("min")
        if value is None:
            raise NothingToTap("this button asks for a date or time: say which was picked")
        return _done(await postback(world, webhooks, user, action["data"], {action["mode"]: value}))
    if kind == "richmenuswitch":
        return _done(await switch_menu(world, webhooks, user, action))
    if kind != "postback":
        return {"ignored": kind}
    if action.get("text"):
        await say(world, webhooks, user, action["text"])
    return _done(await postback(world, webhooks, user, action["data"], shown=action.get("displayText")))


async def switch_menu(world: World, webhooks: Webhooks, user: User, action: dict[str, Any]) -> Delivery:
    """Show another menu: links it to this person and tells the app how it went."""
    alias = action["richMenuAliasId"]
    menu_id = world.menus.aliases.get(alias)
    params = {"status": "RICHMENU_ALIAS_ID_NOTFOUND"}
    if menu_id is not None:
        user.rich_menu_id = menu_id
        params = {"newRichMenuAliasId": alias, "status": "SUCCESS"}
        world.changed(user.user_id)
    return await postback(world, webhooks, user, action["data"], params)


def resolve(world: World, uri: str) -> str:
    """The page a tapped address opens: a mini-app link becomes the primary redirect of LIFF."""
    parts = urlsplit(uri)
    prefix = f"/{world.channel.liff_id}"
    if parts.hostname not in ("liff.line.me", "miniapp.line.me") or not parts.path.startswith(prefix):
        return uri
    return liff_address(world, parts.path[len(prefix) :], parts.query, parts.fragment)


def liff_address(world: World, path: str, query: str = "", fragment: str = "") -> str:
    """The endpoint address, carrying path, query and fragment in `liff.state`."""
    state = path + (f"?{query}" if query else "") + (f"#{fragment}" if fragment else "")
    endpoint = world.channel.liff_endpoint
    return endpoint if not state else f"{endpoint}?liff.state={quote(state, safe='')}"


def _done(delivery: Delivery) -> dict[str, Any]:
    return {"webhook": delivery.as_json()}
