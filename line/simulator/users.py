"""Who the account's friends are: profiles, followers, and the account itself."""

from __future__ import annotations

from line.simulator.answers import Answer, Call, Refusal, invalid_property, not_found
from line.simulator.people import USER_ID
from line.simulator.world import World


def profile(world: World, call: Call) -> Answer:
    """GET /v2/bot/profile/{userId}: 404 for who blocked the account or is no friend."""
    user_id = call.params["user_id"]
    if not USER_ID.match(user_id):
        raise invalid_property("'userId'")
    user = world.people.get(user_id)
    if user is None or not user.shows_profile():
        raise not_found()
    return Answer(payload=user.profile())


def followers(world: World, call: Call) -> Answer:
    """GET /v2/bot/followers/ids, page by page."""
    if not world.switches.verified_account:
        raise Refusal(403, "Access to this API is not available for your account")
    limit, start = call.query.get("limit", "300"), call.query.get("start", "0")
    if not limit.isdigit() or not 1 <= int(limit) <= 1000:
        raise invalid_property("'limit'")
    if not start.isdigit():
        raise invalid_property("'start'")
    friends = [user.user_id for user in world.people if user.state == "friend"]
    first, last = int(start), int(start) + int(limit)
    payload: dict[str, object] = {"userIds": friends[first:last]}
    if last < len(friends):
        payload["next"] = str(last)
    return Answer(payload=payload)


def bot_info(world: World, call: Call) -> Answer:
    """GET /v2/bot/info."""
    channel = world.channel
    return Answer(
        payload={
            "userId": channel.bot_user_id,
            "basicId": "@practice",
            "displayName": channel.name,
            "chatMode": "bot",
            "markAsReadMode": "auto",
        }
    )


def webhook_endpoint(world: World, call: Call) -> Answer:
    """GET /v2/bot/channel/webhook/endpoint."""
    return Answer(payload={"endpoint": world.channel.public_url.rstrip("/") + "/webhook", "active": True})
