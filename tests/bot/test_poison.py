"""An event that fails is tried again, then parked with its reason; it stops nobody else's."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from bot import events
from bot.inbox import InboxReader
from models.event import Event
from models.inbox import InboundBody, WebhookEvent
from tests.support.line_events import made
from tests.support.world import World

POISON = "01POISON"


@pytest.fixture
def fragile(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes one event fail for as long as the list holds a number above nought."""
    left = [10**6]
    take = events.take

    def failing(session: Any, event: Any, profile: Any, now: datetime) -> bool:
        done = take(session, event, profile, now)
        if event.id == POISON and left[0] > 0:
            left[0] -= 1
            raise RuntimeError("no good")
        return done

    monkeypatch.setattr(events, "take", failing)
    return left


def deliver(world: World) -> None:
    at = int(world.now.timestamp() * 1000)
    poison = made("unfollow", at=at, webhookEventId=POISON)
    world.line.send_events(poison, made("unfollow", at=at), made("unfollow", at=at))
    world.settle()


def retry_now(world: World) -> None:
    with world.session() as session:
        for row in session.scalars(select(WebhookEvent).where(WebhookEvent.state == "retry")):
            row.not_before = datetime.now(UTC)
        session.commit()
    world.settle()


def poison_of(world: World) -> WebhookEvent:
    with world.session() as session:
        return session.scalars(select(WebhookEvent).where(WebhookEvent.event_id == POISON)).one()


def test_the_others_have_their_effects(world: World, fragile: list[int]) -> None:
    deliver(world)
    with world.session() as session:
        assert len(session.scalars(select(Event)).all()) == 2
        assert session.scalars(select(InboundBody.state)).all() == ["done"]
    assert poison_of(world).state == "retry"


def test_what_fails_for_a_while_succeeds_later(world: World, fragile: list[int]) -> None:
    deliver(world)
    fragile[0] = 1
    retry_now(world)
    retry_now(world)
    row = poison_of(world)
    assert (row.state, row.payload, row.error) == ("done", None, None)
    with world.session() as session:
        assert len(session.scalars(select(Event)).all()) == 3


def test_after_five_tries_it_is_parked_with_its_reason(world: World, fragile: list[int]) -> None:
    deliver(world)
    for _ in range(6):
        retry_now(world)
    row = poison_of(world)
    assert (row.state, row.attempts, row.error) == ("parked", 5, "RuntimeError: no good")
    assert row.payload is not None


def test_two_readers_share_the_work(world: World) -> None:
    at = int(world.now.timestamp() * 1000)
    for _ in range(5):
        world.line.send_events(made("unfollow", at=at))
    first, second = InboxReader(world.service), InboxReader(world.service)
    claimed = first.claims.take()
    assert (len(claimed), second.step()) == (5, 0)
    with world.session() as session:
        for body in session.scalars(select(InboundBody)):
            body.not_before = datetime.now(UTC)
        session.commit()
    # Their reader may have died of one of them: they are read one by one.
    assert [second.step() for _ in range(6)] == [1, 1, 1, 1, 1, 0]
    with world.session() as session:
        assert len(session.scalars(select(Event)).all()) == 5


def test_what_was_taken_back_is_not_kept_for_a_retry_in_either_order(world: World, fragile: list[int]) -> None:
    user, at = world.line.add_user(), int(world.now.timestamp() * 1000)
    source = {"type": "user", "userId": user}
    words = made("message", at=at, webhookEventId=POISON, source=source)
    words["message"] = {"id": "777", "type": "text", "text": "my knee hurts"}
    back = made("unsend", at=at, source=source)
    back["unsend"] = {"messageId": "777"}
    world.line.send_events(words)
    world.settle()
    assert poison_of(world).occurred_at is not None
    world.line.send_events(back)
    world.settle()
    assert "knee" not in str(poison_of(world).payload)
    fragile[0] = 0
    retry_now(world)
    assert poison_of(world).state in {"done", "ignored"}


def test_a_retry_whose_person_was_forgotten_is_over(world: World, fragile: list[int]) -> None:
    deliver(world)
    with world.session() as session:
        row = session.scalars(select(WebhookEvent).where(WebhookEvent.event_id == POISON)).one()
        row.payload = None
        session.commit()
    retry_now(world)
    assert poison_of(world).state == "ignored"
