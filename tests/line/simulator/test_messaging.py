"""Sending to the simulator meets LINE's statuses, texts and counts."""

import uuid

import pytest

from line.simulator.testing import Simulator
from tests.line.simulator.conftest import PUSHED, Line

STRANGER = "U" + "0" * 32


def key() -> str:
    return str(uuid.uuid4())


def test_a_push_arrives_and_says_which_messages_it_became(simulator: Simulator, line: Line) -> None:
    user = simulator.add_user(following=True)

    answer = line.push(user, PUSHED, {"type": "text", "text": "See you."})

    assert answer.status_code == 200
    assert [set(sent) for sent in answer.json()["sentMessages"]] == [{"id", "quoteToken"}] * 2
    assert answer.headers["x-line-request-id"]
    assert simulator.received(user) == [PUSHED, {"type": "text", "text": "See you."}]
    assert simulator.deliveries() == {user: 1}
    assert simulator.violations() == []


def test_the_same_retry_key_is_accepted_once(simulator: Simulator, line: Line) -> None:
    user, again = simulator.add_user(following=True), key()

    first, second = line.push(user, key=again), line.push(user, key=again)

    assert (first.status_code, second.status_code) == (200, 409)
    assert second.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert second.headers["x-line-request-id"] != first.headers["x-line-request-id"]
    assert second.json()["sentMessages"] == first.json()["sentMessages"]
    assert simulator.deliveries() == {user: 1}


def test_a_retry_key_is_forgotten_after_a_day_of_business_time(simulator: Simulator, line: Line) -> None:
    user, again = simulator.add_user(following=True), key()
    line.push(user, key=again)
    simulator.set_clock(23 * 3600)
    assert line.push(user, key=again).status_code == 409
    simulator.set_clock(25 * 3600)
    assert line.push(user, key=again).status_code == 200
    assert simulator.deliveries() == {user: 2}


def test_another_body_under_a_used_retry_key_is_a_breach(simulator: Simulator, line: Line) -> None:
    user, again = simulator.add_user(following=True), key()
    simulator.faults("error_before", "push", times=1)
    assert line.push(user, key=again).status_code == 500
    line.push(user, key=again)
    line.push(user, {"type": "text", "text": "Something else"}, key=again)
    assert [item["text"] for item in simulator.violations()] == [
        f"retry key {again} came with another body than before"
    ]


def test_a_reply_takes_no_retry_key(simulator: Simulator, line: Line) -> None:
    answer = line.reply("token", key=key())
    assert answer.status_code == 400
    assert len(simulator.violations()) == 1


@pytest.mark.parametrize("state", ["blocked", "stranger", "deleted"])
def test_a_push_to_who_is_no_friend_is_accepted_and_not_delivered(simulator: Simulator, line: Line, state: str) -> None:
    user = simulator.add_user(state=state)
    assert line.push(user).status_code == 200
    assert simulator.deliveries() == {}
    assert line("GET", "/v2/bot/message/quota/consumption").json() == {"totalUsage": 0}


def test_a_push_to_an_unknown_id_fails_and_to_a_malformed_one_is_named(simulator: Simulator, line: Line) -> None:
    unknown, malformed = line.push(STRANGER), line.push("someone")
    assert (unknown.status_code, unknown.json()["message"]) == (400, "Failed to send messages")
    assert malformed.status_code == 400
    assert malformed.json()["message"] == "The property, 'to', in the request body is invalid (line: -, column: -)"


def test_a_multicast_skips_who_cannot_be_reached(simulator: Simulator, line: Line) -> None:
    friend, blocked = simulator.add_user(following=True), simulator.add_user(state="blocked")
    answer = line.multicast(friend, blocked, STRANGER)
    assert (answer.status_code, answer.json()) == (200, {})
    assert simulator.deliveries() == {friend: 1}


def test_a_multicast_to_an_unknown_id_is_refused_when_so_switched(simulator: Simulator, line: Line) -> None:
    friend = simulator.add_user(following=True)
    simulator.switch(unknown_in_multicast="refuse")
    assert line.multicast(friend, STRANGER).status_code == 400
    assert simulator.deliveries() == {}


def test_one_malformed_recipient_and_nobody_gets_it(simulator: Simulator, line: Line) -> None:
    friend = simulator.add_user(following=True)
    answer = line.multicast(friend, "U123")
    assert answer.status_code == 400
    assert "to[1]" in answer.json()["message"]
    assert simulator.deliveries() == {}


def test_a_multicast_goes_to_500_at_most(simulator: Simulator, line: Line) -> None:
    ids = simulator.add_users({"name": f"Friend {n}", "following": True} for n in range(501))
    assert line.multicast(*ids).status_code == 400
    assert line.multicast(*ids[:500]).status_code == 200
    assert len(simulator.deliveries()) == 500


def test_a_reply_is_free_and_works_once(simulator: Simulator, line: Line, app) -> None:
    user = simulator.add_user()
    simulator.follow(user)
    token = app.events[0]["replyToken"]

    assert line.reply(token).status_code == 200
    again = line.reply(token)

    assert (again.status_code, again.json()["message"]) == (400, "Invalid reply token")
    assert simulator.received(user) == [PUSHED]
    assert line("GET", "/v2/bot/message/quota/consumption").json() == {"totalUsage": 0}
    assert simulator.violations() == []


def test_a_reply_is_too_late_after_a_minute(simulator: Simulator, line: Line, app) -> None:
    simulator.say(simulator.add_user(following=True), "hello")
    simulator.set_clock(61)
    assert line.reply(app.events[0]["replyToken"]).json()["message"] == "Invalid reply token"


def test_the_month_has_an_end_and_then_a_new_month(simulator: Simulator, line: Line) -> None:
    user = simulator.add_user(following=True)
    simulator.set_quota(limit=200, used=199)
    assert line.push(user).status_code == 200
    over = line.push(user)
    assert (over.status_code, over.json()["message"]) == (429, "You have reached your monthly limit.")
    assert line("GET", "/v2/bot/message/quota").json() == {"type": "limited", "value": 200}
    simulator.set_clock(32 * 86400)
    assert line.push(user).status_code == 200


def test_too_many_calls_a_second_are_turned_away(simulator: Simulator, line: Line) -> None:
    simulator.faults("rate_limited", "push", times=1)
    answer = line.push(simulator.add_user(following=True))
    assert (answer.status_code, answer.json()["message"]) == (
        429,
        "The API rate limit has been exceeded. Try again later.",
    )
    statuses = {line("GET", "/v2/bot/richmenu/list").status_code for _ in range(30)}
    assert statuses == {200, 429}


def test_validate_lists_what_is_wrong_and_records_nothing(simulator: Simulator, line: Line) -> None:
    answer = line("POST", "/v2/bot/message/validate/push", {"messages": [{"type": "text", "text": "x" * 5001}]})
    assert answer.status_code == 400
    assert answer.json()["details"] == [
        {"message": "Length must be between 0 and 5000", "property": "messages[0].text"}
    ]
    assert line("POST", "/v2/bot/message/validate/reply", {"messages": [PUSHED]}).json() == {}
    assert simulator.violations() == []


def test_a_wrong_token_and_a_body_that_is_not_json(simulator: Simulator, line: Line) -> None:
    assert line.push(STRANGER, headers={"Authorization": "Bearer other"}).status_code == 401
    broken = line("POST", "/v2/bot/message/push", data="{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 400
    assert broken.json()["message"].startswith("The request body could not be parsed as JSON (line: 1")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/bot/message/narrowcast"),
        ("POST", "/v2/bot/message/broadcast"),
        ("GET", "/v2/bot/insight/followers"),
        ("POST", "/v2/bot/audienceGroup/upload"),
        ("GET", "/v2/bot/message/1/content"),
        ("POST", "/v2/bot/coupon"),
        ("POST", "/v2/bot/richmenu/batch"),
    ],
)
def test_what_is_not_played_says_so_by_name(simulator: Simulator, line: Line, method: str, path: str) -> None:
    answer = line(method, path, {} if method == "POST" else None)
    assert answer.status_code == 501
    assert f"{method} {path}" in answer.json()["message"]


def test_profiles_show_for_friends_only(simulator: Simulator, line: Line) -> None:
    friend = simulator.add_user(name="Aroon", language="th", following=True)
    assert line("GET", f"/v2/bot/profile/{friend}").json() == {
        "userId": friend,
        "displayName": "Aroon",
        "language": "th",
    }
    simulator.unfollow(friend)
    assert line("GET", f"/v2/bot/profile/{friend}").status_code == 404
    assert line("GET", "/v2/bot/profile/me").status_code == 400


def test_followers_come_page_by_page(simulator: Simulator, line: Line) -> None:
    ids = simulator.add_users({"name": f"Friend {n}", "following": n != 1} for n in range(4))
    first = line("GET", "/v2/bot/followers/ids?limit=2").json()
    second = line("GET", f"/v2/bot/followers/ids?limit=2&start={first['next']}").json()
    assert first["userIds"] + second["userIds"] == [ids[0], ids[2], ids[3]]
    assert "next" not in second


def test_the_log_shows_each_request(simulator: Simulator, line: Line) -> None:
    user, retry = simulator.add_user(following=True), key()
    line.push(user, key=retry)
    line.push("nobody")
    accepted, refused = simulator.requests("push")
    assert (accepted["status"], accepted["retry_key"], accepted["to"]) == (200, retry, [user])
    assert (refused["status"], refused["to"]) == (400, ["nobody"])
