"""Webhook events of every shape: LINE's documentation by hand, and LINE's OpenAPI file worked out when it is there."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
DESCRIPTION = Path("shared/line-openapi/webhook.yml")
CHECKOUT = Path(__file__).resolve().parents[2]
numbers = count(1)


def made(kind: str, *, at: int, **more: Any) -> Json:
    """An event of a person of its own, so that events can come in any order."""
    n = next(numbers)
    event = {
        "type": kind,
        "mode": "active",
        "timestamp": at + n,
        "source": {"type": "user", "userId": f"U{n:032x}"},
        "webhookEventId": f"01SHAPE{n:019d}",
        "deliveryContext": {"isRedelivery": False},
        **more,
    }
    return {name: value for name, value in event.items() if value is not None}


def documented(at: int) -> Iterator[Json]:
    """Every row of LINE's table of events and messages, with and without what may be missing."""
    user = "U" + "a" * 32
    group = {"type": "group", "groupId": "C" + "b" * 32, "userId": user}
    room = {"type": "room", "roomId": "R" + "c" * 32}
    token = {"replyToken": "not-a-live-token"}
    for message in _messages():
        yield made("message", at=at, message={"id": str(10**17 + next(numbers)), **message}, **token)
    yield made("message", at=at, message={"id": "1", "type": "text", "text": "in a group"}, source=group, **token)
    yield made("messageEdited", at=at, message={"id": "1", "type": "text", "text": "edited"}, source=group, **token)
    yield made("unsend", at=at, unsend={"messageId": "325708"})
    yield made("follow", at=at, follow={"isUnblocked": False}, **token)
    yield made("follow", at=at, follow={"isUnblocked": True}, **token)
    yield made("follow", at=at, **token)
    yield made("unfollow", at=at)
    yield made("join", at=at, source=group, **token)
    yield made("leave", at=at, source=room)
    members = {"members": [{"type": "user", "userId": user}]}
    yield made("memberJoined", at=at, source=group, joined=members, **token)
    yield made("memberLeft", at=at, source=group, left=members)
    for postback in _postbacks():
        yield made("postback", at=at, postback=postback, **token)
    yield made("videoPlayComplete", at=at, videoPlayComplete={"trackingId": "track"}, **token)
    for kind in ("enter", "banner", "stay"):
        yield made("beacon", at=at, beacon={"hwid": "d41d8cd98f", "type": kind, "dm": "1234"}, **token)
    yield made("accountLink", at=at, link={"result": "ok", "nonce": "bm9uY2U="}, **token)
    yield made("accountLink", at=at, link={"result": "failed", "nonce": "bm9uY2U="}, source=None)
    for kind in ("joined", "left", "renewed"):
        yield made("membership", at=at, membership={"type": kind, "membershipId": 3189}, **token)
    yield made("module", at=at, module={"type": "attached", "botId": user, "scopes": ["message:send"]})
    yield made("activated", at=at, chatControl={"expireAt": at + 1000})
    for kind in ("deactivated", "botSuspended", "botResumed"):
        yield made(kind, at=at)
    yield made("delivery", at=at, delivery={"data": "15034552939884E28681A7D668CEA94C"}, source=None)


def _messages() -> Iterator[Json]:
    line = {"type": "line"}
    outside = {"type": "external", "originalContentUrl": "https://e.com/a", "previewImageUrl": "https://e.com/b"}
    mention = {"mentionees": [{"index": 0, "length": 3, "type": "all"}]}
    yield {"type": "text", "text": "Hello", "quoteToken": "q", "markAsReadToken": "m"}
    yield {"type": "text", "text": "@All (brown)", "mention": mention, "quotedMessageId": "7",
           "emojis": [{"index": 5, "length": 7, "productId": "p", "emojiId": "001"}]}  # fmt: skip
    yield {"type": "image", "quoteToken": "q", "contentProvider": line, "imageSet": {"id": "S", "index": 1, "total": 2}}
    yield {"type": "image", "quoteToken": "q", "contentProvider": outside}
    yield {"type": "video", "quoteToken": "q", "duration": 60000, "contentProvider": outside}
    yield {"type": "audio", "duration": 60000, "contentProvider": line}
    yield {"type": "file", "fileName": "a.txt", "fileSize": 2138}
    yield {"type": "location", "title": "t", "address": "a", "latitude": 35.66, "longitude": 139.70}
    yield {"type": "sticker", "packageId": "1", "stickerId": "2", "stickerResourceType": "NEW_KIND", "keywords": ["a"],
           "quoteToken": "q"}  # fmt: skip


def _postbacks() -> Iterator[Json]:
    yield {"data": "act=card"}
    for params in ({"date": "2027-01-09"}, {"time": "15:30"}, {"datetime": "2027-01-09T01:00"}):
        yield {"data": "act=book&svc=3", "params": params}
    yield {"data": "tab=b", "params": {"newRichMenuAliasId": "menu-b", "status": "SUCCESS"}}
    yield {"data": "tab=b", "params": {"status": "RICHMENU_ALIAS_ID_NOTFOUND"}}


def odd(at: int) -> Iterator[Any]:
    """What no document shows and networks bring all the same. None of it may stop anything else."""
    yield from (1, None, "event", [], [[{}]], {}, {"type": None}, {"type": {"a": 1}, "timestamp": "soon"})
    yield made("brandNew", at=at, brandNew={"deep": {"er": [1, 2, {"est": None}]}})
    yield made("message", at=at, mode="someday", message={"id": "2", "type": "text", "text": "unknown mode"})
    yield made("message", at=at, mode=None, message={"id": "3", "type": "text", "text": "no mode"})
    yield made("message", at=at, message="not an object")
    yield made("message", at=at, message={"id": 5, "type": "text", "text": {"no": "words"}})
    yield made("message", at=at, message={"id": "6", "type": "text", "text": "nul \x00, half \ud83d, whole 🍎"})
    yield made("message", at=at, webhookEventId=None, message={"id": "7", "type": "text", "text": "no event id"})
    yield made("message", at=at, webhookEventId="x" * 500, message={"id": "8", "type": "text", "text": "long id"})
    yield {**made("follow", at=at), "timestamp": str(at)}
    yield {**made("follow", at=at), "timestamp": 10**30}
    yield {**made("follow", at=at), "timestamp": None}
    yield {**made("follow", at=at), "follow": "yes", "replyToken": 7}
    yield {**made("follow", at=at), "source": "U" + "d" * 32}
    yield {**made("follow", at=at), "source": {"type": "user", "userId": "not-a-user"}}
    yield {**made("postback", at=at), "postback": {"data": None, "params": ["a"]}}
    yield {**made("postback", at=at), "postback": {"data": "act=waitlist&entry=" + "9" * 400, "params": {"date": 5}}}
    yield {**made("postback", at=at), "postback": {"data": "%%%&&&===act=&t=%00"}}
    yield {**made("unsend", at=at), "unsend": {"messageId": 7}}


def described(at: int) -> Iterator[Json]:
    """Events worked out from LINE's own description, each kind least and full; nothing where the file is absent."""
    path = next((each for each in _places() if each.exists()), None)
    if path is None:
        return
    schemas = yaml.safe_load(path.read_text(encoding="utf-8"))["components"]["schemas"]
    for kind, reference in schemas["Event"]["discriminator"]["mapping"].items():
        for full in (False, True):
            for event in _examples(schemas, {"$ref": reference}, full):
                own = made(kind, at=at)
                keep = {name: own[name] for name in ("timestamp", "webhookEventId", "deliveryContext", "mode")}
                source = {"source": own["source"]} if "source" in event or not full else {}
                yield {**event, **keep, **source, "type": kind}


def _places() -> Iterator[Path]:
    return (folder / DESCRIPTION for folder in CHECKOUT.parents)


def _examples(schemas: Json, schema: Json, full: bool) -> list[Any]:
    """At least one value of the schema; several where a discriminator offers kinds."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        found = schemas[name]
        if "discriminator" in found and "mapping" in found["discriminator"] and name != "Event":
            return [
                {**value, found["discriminator"]["propertyName"]: kind}
                for kind, reference in found["discriminator"]["mapping"].items()
                for value in _examples(schemas, {"$ref": reference}, full)[:1]
            ]
        return _examples(schemas, found, full)
    if "allOf" in schema or "properties" in schema:
        return _objects(schemas, schema, full)
    return [_plain(schemas, schema, full)]


def _objects(schemas: Json, schema: Json, full: bool) -> list[Json]:
    """Objects with the required properties, or all; one for each kind a property may be."""
    properties, required = _gathered(schemas, schema)
    chosen = [name for name in properties if full or name in required]
    variants = {name: _examples(schemas, properties[name], full) for name in chosen}
    first = {name: values[0] for name, values in variants.items()}
    others = [{**first, name: value} for name, values in variants.items() for value in values[1:]]
    return [first, *others]


def _gathered(schemas: Json, schema: Json) -> tuple[Json, set[str]]:
    properties, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        whole = schemas[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
        more, needed = _gathered(schemas, whole)
        properties, required = {**more, **properties}, required | needed
    return properties, required


def _plain(schemas: Json, schema: Json, full: bool) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return _examples(schemas, schema["items"], full)[:1]
    if schema.get("type") == "object":
        return {"key": "value"}
    return {"integer": 1, "number": 1.5, "boolean": True}.get(str(schema.get("type")), "word")
