"""The simulator calls the app as LINE does, and as networks do."""

import base64
import hashlib
import hmac
import time

from line.simulator.testing import Simulator
from line.simulator.webhooks import sign, ulid
from tests.line.simulator.conftest import App, Line


def test_the_signature_is_lines() -> None:
    body = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
    assert sign("8c570fa6dd201bb328f1c1eac23a96d8", body) == "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="


def test_following_sends_a_signed_follow_event(simulator: Simulator, app: App) -> None:
    user = simulator.add_user()

    done = simulator.follow(user)

    (body,) = app.bodies
    (event,) = body["events"]
    assert done["webhook"]["status"] == 200
    assert body["destination"] == simulator.channel.bot_user_id
    assert event["type"] == "follow"
    assert event["follow"] == {"isUnblocked": False}
    assert event["source"] == {"type": "user", "userId": user}
    assert event["deliveryContext"] == {"isRedelivery": False}
    assert len(event["webhookEventId"]) == 26
    secret = simulator.channel.secret.encode()
    wanted = base64.b64encode(hmac.new(secret, app.raw[0], hashlib.sha256).digest()).decode()
    assert app.signatures == [wanted]


def test_blocking_has_no_reply_token_and_coming_back_is_told(simulator: Simulator, app: App) -> None:
    user = simulator.add_user(following=True)
    simulator.unfollow(user)
    simulator.follow(user)
    assert [event["type"] for event in app.events] == ["unfollow", "follow"]
    assert "replyToken" not in app.events[0]
    assert app.events[1]["follow"] == {"isUnblocked": True}


def test_times_of_events_follow_business_time(simulator: Simulator, app: App) -> None:
    simulator.set_clock(30 * 86400)
    simulator.say(simulator.add_user(following=True), "予約")
    (event,) = app.events
    assert abs(event["timestamp"] / 1000 - time.time() - 30 * 86400) < 5
    assert event["message"]["text"] == "予約"
    assert event["message"]["id"].isdigit()


def test_unsending_names_the_message(simulator: Simulator, app: App) -> None:
    user = simulator.add_user(following=True)
    simulator.say(user, "never mind")
    simulator.unsend(user)
    assert app.events[1]["unsend"] == {"messageId": app.events[0]["message"]["id"]}
    assert simulator.chat(user) == []


def test_a_failed_webhook_is_redelivered_with_the_same_event(simulator: Simulator, app: App) -> None:
    app.statuses += [500]
    simulator.follow(simulator.add_user())
    simulator.settle()
    first, second = app.events
    assert second == {**first, "deliveryContext": {"isRedelivery": True}}


def test_nothing_is_redelivered_when_that_is_switched_off(simulator: Simulator, app: App) -> None:
    simulator.switch(redelivery=False)
    app.statuses += [503]
    simulator.follow(simulator.add_user())
    simulator.settle()
    assert len(app.bodies) == 1


def test_a_redelivered_event_can_be_replied_to_for_another_minute(simulator: Simulator, app: App, line: Line) -> None:
    simulator.follow(simulator.add_user())
    simulator.set_clock(50)
    app.statuses += [500]
    simulator.send_events(app.events[0])
    simulator.settle()
    simulator.set_clock(100)
    assert line.reply(app.events[0]["replyToken"]).status_code == 200


def test_webhooks_can_come_twice_or_be_lost(simulator: Simulator, app: App) -> None:
    user = simulator.add_user()
    simulator.faults("duplicate", "webhook", times=1)
    simulator.follow(user)
    assert app.bodies[0] == app.bodies[1]
    simulator.faults("drop", "webhook", times=1)
    simulator.say(user, "lost")
    assert len(app.bodies) == 2


def test_webhooks_can_change_places(simulator: Simulator, app: App) -> None:
    user = simulator.add_user()
    simulator.faults("reorder", "webhook", times=1)
    simulator.follow(user)
    simulator.unfollow(user)
    assert [event["type"] for event in app.events] == ["unfollow", "follow"]
    assert app.events[0]["timestamp"] >= app.events[1]["timestamp"]


def test_a_webhook_held_back_arrives_even_when_no_other_comes(simulator: Simulator, app: App) -> None:
    simulator.faults("reorder", "webhook", times=1)
    simulator.follow(simulator.add_user())
    simulator.settle()
    assert len(app.bodies) == 1


def test_any_body_can_be_sent_with_any_signature(simulator: Simulator, app: App) -> None:
    simulator.send_raw('{"destination": "x", "events": []}', signature="wrong")
    assert app.signatures == ["wrong"]


def test_event_ids_sort_by_time() -> None:
    assert ulid(1_795_300_000_123) < ulid(1_795_300_000_124)
    assert len(ulid(0)) == 26
