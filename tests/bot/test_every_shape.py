"""Every event LINE can send, and many it should not, is accepted; repeated and shuffled, each has its effect once."""

import json
import random
from collections import Counter
from typing import Any

from sqlalchemy import func, select

from bot.incoming import event_id
from models.event import Event
from models.inbox import InboundBody, WebhookEvent
from models.member import Friend
from models.outbox import OutgoingMessage
from models.staff import StaffNote
from tests.support import line_events
from tests.support.world import World

# What people's own deeds become in the journey.
TOLD = {"follow": "followed", "unfollow": "unfollowed", "postback": "postback"}


def everything(world: World) -> list[Any]:
    at = int(world.now.timestamp() * 1000) - 10_000_000
    return [*line_events.documented(at), *line_events.odd(at), *line_events.described(at)]


def deliver(world: World, events: list[Any], *, at_once: int) -> None:
    for start in range(0, len(events), at_once):
        body = json.dumps({"destination": "U" + "0" * 32, "events": events[start : start + at_once]})
        assert world.line.send_raw(body)["status"] == 200
    world.settle()


def effects(world: World) -> dict[str, Any]:
    """Everything the events have done to us, counted."""
    with world.session() as session:
        return {
            "journey": Counter(session.scalars(select(Event.kind))),
            "people": session.scalar(select(func.count(Friend.id))),
            "following": Counter(session.scalars(select(Friend.is_following))),
            "said": Counter(session.scalars(select(OutgoingMessage.name))),
            "notes": sorted(session.scalars(select(StaffNote.text))),
            "seen": session.scalar(select(func.count(WebhookEvent.id))),
            "states": Counter(session.scalars(select(WebhookEvent.state))) - Counter({"done": 10**9, "ignored": 10**9}),
            "bodies": set(session.scalars(select(InboundBody.state))),
        }


def redelivered(event: Any) -> Any:
    return {**event, "deliveryContext": {"isRedelivery": True}} if isinstance(event, dict) else event


def test_every_shape_has_its_effect_once_however_often_it_comes(world: World) -> None:
    events = everything(world)
    deliver(world, events, at_once=10)
    once = effects(world)
    known = [each for each in events if isinstance(each, dict)]
    assert once["seen"] == len({event_id(each) for each in known})
    assert once["states"] == Counter()
    assert once["bodies"] == {"done"}
    people = [each for each in known if isinstance(each.get("source"), dict) and each["source"].get("type") == "user"]
    for kind, told in TOLD.items():
        ours = [each for each in people if each.get("type") == kind and len(each["source"].get("userId", "")) == 33]
        assert once["journey"][told] == len(ours)
    again = [redelivered(each) for each in events for _ in range(3)]
    random.Random(7).shuffle(again)
    deliver(world, again, at_once=25)
    assert effects(world) == once


def test_shuffled_and_doubled_from_the_start_it_ends_the_same(world: World) -> None:
    events = everything(world)
    mixed = [each for each in events for _ in range(2)]
    random.Random(11).shuffle(mixed)
    deliver(world, mixed, at_once=7)
    shuffled = effects(world)
    assert shuffled["seen"] == len({event_id(each) for each in events if isinstance(each, dict)})
    assert shuffled["states"] == Counter()
    deliver(world, events, at_once=50)
    assert effects(world) == shuffled


def test_deep_nesting_stops_nothing(world: World) -> None:
    deep: Any = "bottom"
    for _ in range(300):
        deep = {"down": deep}
    at = int(world.now.timestamp() * 1000)
    follow = line_events.made("follow", at=at, follow={"isUnblocked": False})
    deliver(world, [line_events.made("strange", at=at, strange=deep), follow], at_once=10)
    assert effects(world)["journey"]["followed"] == 1
