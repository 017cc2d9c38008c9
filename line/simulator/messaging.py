"""Sending: push, multicast, reply, validate, quota, loading and mark-as-read, answered as LINE answers them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from line.simulator import contract
from line.simulator.answers import OVER_QUOTA, Answer, Call, Problem, Refusal, invalid_body, invalid_property
from line.simulator.limits import Accepted
from line.simulator.people import CHAT_ID, USER_ID, User
from line.simulator.world import World

RETRY_KEY = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
MOST_RECIPIENTS = 500
DISTINCT_UNITS = 1000
QUOTED = {"text", "textV2", "sticker", "image", "video", "template", "flex"}


def push(world: World, call: Call) -> Answer:
    """POST /v2/bot/message/push."""
    _note_recipients(call, call.body.get("to"))
    repeated = _repeated(world, call)
    if repeated is not None:
        return repeated
    _check(world, call)
    to = call.body.get("to")
    if not isinstance(to, str) or not CHAT_ID.match(to):
        raise invalid_property("'to'")
    user = world.people.get(to)
    if user is None:
        raise Refusal(400, "Failed to send messages")
    reached = [user] if user.is_reached(world.clock.seconds()) else []
    _charge(world, "push", len(reached))
    sent = _deliver(world, call, reached, "push")
    _remember(world, call, sent)
    return Answer(payload={"sentMessages": sent})


def multicast(world: World, call: Call) -> Answer:
    """POST /v2/bot/message/multicast."""
    _note_recipients(call, call.body.get("to"))
    repeated = _repeated(world, call)
    if repeated is not None:
        return repeated
    _check(world, call)
    reached = _reached(world, call)
    _charge(world, "multicast", len(reached))
    _deliver(world, call, reached, "multicast")
    _remember(world, call, None)
    return Answer()


def reply(world: World, call: Call) -> Answer:
    """POST /v2/bot/message/reply."""
    _check(world, call)
    user_id = world.reply_tokens.spend(call.body.get("replyToken"), world.clock.seconds())
    user = world.people.get(user_id) if user_id else None
    if user is None:
        raise Refusal(400, "Invalid reply token")
    call.recipients = (user.user_id,)
    reached = [user] if user.state in ("friend", "stranger") else []
    sent = _deliver(world, call, reached, "reply")
    world.quota.count(world.clock.month(), world.clock.day(), "reply", len(reached))
    return Answer(payload={"sentMessages": sent})


def validate(world: World, call: Call) -> Answer:
    """POST /v2/bot/message/validate/{kind}: asking is no breach, so nothing is recorded."""
    problems = contract.message_problems(call.body)
    if problems:
        refusal = invalid_body(problems)
        refusal.breach = ""
        raise refusal
    return Answer()


def quota(world: World, call: Call) -> Answer:
    """GET /v2/bot/message/quota."""
    limit = world.quota.limit
    return Answer(payload={"type": "none"} if limit is None else {"type": "limited", "value": limit})


def consumption(world: World, call: Call) -> Answer:
    """GET /v2/bot/message/quota/consumption."""
    return Answer(payload={"totalUsage": world.quota.used.get(world.clock.month(), 0)})


def delivery(world: World, call: Call) -> Answer:
    """GET /v2/bot/message/delivery/{kind}?date=: ready once the day is over."""
    date = call.query.get("date", "")
    if not re.fullmatch(r"\d{8}", date):
        raise invalid_property("'date'")
    if date >= world.clock.day():
        return Answer(payload={"status": "unready"})
    return Answer(payload={"status": "ready", "success": world.quota.by_day.get((date, call.params["kind"]), 0)})


def units_info(world: World, call: Call) -> Answer:
    """GET /v2/bot/message/aggregation/info."""
    return Answer(payload={"numOfCustomAggregationUnits": len(_units(world))})


def units_list(world: World, call: Call) -> Answer:
    """GET /v2/bot/message/aggregation/list, this month's names."""
    start, limit = int(call.query.get("start") or 0), min(int(call.query.get("limit") or 100), 100)
    names = _units(world)
    payload: dict[str, Any] = {"customAggregationUnits": names[start : start + limit]}
    if start + limit < len(names):
        payload["next"] = str(start + limit)
    return Answer(payload=payload)


def loading(world: World, call: Call) -> Answer:
    """POST /v2/bot/chat/loading/start."""
    chat_id, seconds = call.body.get("chatId"), call.body.get("loadingSeconds", 20)
    if not isinstance(chat_id, str) or not USER_ID.match(chat_id):
        raise invalid_property("'chatId'")
    if not isinstance(seconds, int) or seconds not in range(5, 61, 5):
        raise invalid_body([Problem("must be a multiple of 5 between 5 and 60", "loadingSeconds")])
    user = world.people.get(chat_id)
    if user is not None and user.state == "friend":
        user.loading_until = world.clock.machine() + seconds
        world.changed(user.user_id)
    return Answer(202)


def mark_as_read(world: World, call: Call) -> Answer:
    """POST /v2/bot/chat/markAsRead."""
    token = call.body.get("markAsReadToken")
    if not isinstance(token, str) or not token:
        raise invalid_property("'markAsReadToken'")
    return Answer()


def _units(world: World) -> list[str]:
    month = world.clock.month()
    return sorted(name for when, name in world.units if when == month)


def _note_recipients(call: Call, to: Any) -> None:
    if isinstance(to, str):
        call.recipients = (to,)
    elif isinstance(to, list):
        call.recipients = tuple(str(item) for item in to)


def _repeated(world: World, call: Call) -> Answer | None:
    """409 when this retry key was accepted before; a changed body under one key is a breach."""
    key, now = call.retry_key, world.clock.seconds()
    if key is None:
        return None
    if not RETRY_KEY.fullmatch(key):
        raise Refusal(400, "Invalid retry key", breach=f"X-Line-Retry-Key {key!r} is not a UUID")
    if not world.retry_keys.same_body(key, call.raw, now):
        world.breach(call.endpoint, call.request_id, f"retry key {key} came with another body than before")
    accepted = world.retry_keys.accepted(key, now)
    if accepted is None:
        return None
    payload: dict[str, Any] = {"message": "The retry key is already accepted"}
    if accepted.sent_messages is not None:
        payload["sentMessages"] = accepted.sent_messages
    return Answer(409, payload, {"x-line-accepted-request-id": accepted.request_id})


def _check(world: World, call: Call) -> None:
    problems = contract.sending_problems(call.body)
    if problems:
        raise invalid_body(problems)
    world.breaches(call.endpoint, call.request_id, contract.unknown_properties(call.body))
    call.messages = len(call.body["messages"])


def _reached(world: World, call: Call) -> list[User]:
    """Those of `to` who will get it; one malformed id and nobody does."""
    to = call.body.get("to")
    if not isinstance(to, list) or not 1 <= len(to) <= MOST_RECIPIENTS:
        raise invalid_body([Problem(f"Size must be between 1 and {MOST_RECIPIENTS}", "to")])
    for index, user_id in enumerate(to):
        if not isinstance(user_id, str) or not USER_ID.match(user_id):
            raise invalid_property(f"to[{index}]")
    if len(set(to)) < len(to):
        world.breach(call.endpoint, call.request_id, "to: names someone more than once")
    now = world.clock.seconds()
    known = [world.people.get(user_id) for user_id in dict.fromkeys(to)]
    if None in known and world.switches.unknown_in_multicast == "refuse":
        raise Refusal(400, "Failed to send messages")
    return [user for user in known if user is not None and user.is_reached(now)]


def _charge(world: World, kind: str, people: int) -> None:
    month = world.clock.month()
    if not world.quota.fits(month, people):
        raise Refusal(429, OVER_QUOTA)
    world.quota.count(month, world.clock.day(), kind, people)


def _deliver(world: World, call: Call, users: Sequence[User], via: str) -> list[dict[str, str]]:
    """Put the messages into each chat; an answer to one person lists the messages sent."""
    messages: Iterable[dict[str, Any]] = call.body["messages"]
    for unit in call.body.get("customAggregationUnits") or ():
        if len(world.units) < DISTINCT_UNITS:
            world.units.add((world.clock.month(), unit))
    for user in users:
        user.deliveries += 1
        user.loading_until = 0.0
    if world.switches.keep_chats:
        for user in users:
            for message in messages:
                world.say(user, "account", message, via=via, request_id=call.request_id)
    return [] if via == "multicast" else [_sent(world, message) for message in messages]


def _sent(world: World, message: dict[str, Any]) -> dict[str, str]:
    sent = {"id": world.next_id()}
    if message.get("type") in QUOTED:
        sent["quoteToken"] = secrets.token_hex(24)
    return sent


def _remember(world: World, call: Call, sent: list[dict[str, str]] | None) -> None:
    if call.retry_key is not None:
        world.retry_keys.accept(call.retry_key, Accepted(world.clock.seconds(), call.request_id, sent))
