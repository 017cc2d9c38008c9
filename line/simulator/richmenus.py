"""Rich menus over HTTP: made, drawn once, aliased, set as default, linked to people."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterable
from typing import Any

from PIL import Image, UnidentifiedImageError

from line.simulator.answers import Answer, Call, Problem, Refusal, invalid_body, invalid_property, not_found
from line.simulator.checking import Checker, graphemes
from line.simulator.contract_actions import ALIAS, check_action
from line.simulator.menus import RichMenu
from line.simulator.people import USER_ID, User
from line.simulator.world import World

MOST = 1000
IMAGE_BYTES = 1024 * 1024
IMAGE_TYPES = ("image/png", "image/jpeg")


def menu_problems(body: dict[str, Any]) -> list[Problem]:
    """What is wrong with a rich menu object."""
    check = Checker()
    size = check.child(body, "size", "")
    if size is not None:
        check.number(size[1], "width", "size", 800, 2500)
        check.number(size[1], "height", "size", 250, 2500)
        width, height = size[1].get("width"), size[1].get("height")
        if isinstance(width, int) and isinstance(height, int) and height > 0 and width / height < 1.45:
            check.add("size", "width divided by height must be at least 1.45")
    if not isinstance(body.get("selected"), bool):
        check.add("selected", "must be specified")
    check.text(body, "name", "", 300, count=graphemes)
    check.text(body, "chatBarText", "", 14, count=graphemes)
    for place, area in check.objects(body, "areas", "", 0, 20):
        bounds = check.child(area, "bounds", place)
        if bounds is not None:
            for key in ("x", "y", "width", "height"):
                check.number(bounds[1], key, bounds[0], 0, 2500)
        check_action(check, f"{place}.action", area.get("action"), "richMenu")
    return check.problems


def create(world: World, call: Call) -> Answer:
    """POST /v2/bot/richmenu."""
    _check(call)
    if len(world.menus.by_id) >= MOST:
        raise Refusal(400, "The maximum number of rich menus has been reached")
    menu = RichMenu("richmenu-" + secrets.token_hex(16), call.body)
    world.menus.by_id[menu.rich_menu_id] = menu
    return Answer(payload={"richMenuId": menu.rich_menu_id})


def validate(world: World, call: Call) -> Answer:
    """POST /v2/bot/richmenu/validate."""
    try:
        _check(call)
    except Refusal as refusal:
        refusal.breach = ""
        raise
    return Answer()


def upload(world: World, call: Call) -> Answer:
    """POST /v2/bot/richmenu/{id}/content: once, and never again."""
    menu = _menu(world, call.params["menu_id"])
    kind = call.headers.get("Content-Type", "").split(";")[0]
    if kind not in IMAGE_TYPES:
        raise Refusal(415, f"The content type, {kind}, is not supported", breach=f"rich menu image sent as {kind!r}")
    if menu.image is not None:
        raise Refusal(
            400, "An image has already been uploaded to the richmenu", [], breach="rich menu images are written once"
        )
    if len(call.raw) > IMAGE_BYTES:
        raise Refusal(413, "The image is larger than 1 MB", breach="rich menu image larger than 1 MB")
    if not _fits(call.raw, menu):
        raise Refusal(400, "The image size is not allowed for richmenu", [], breach="rich menu image of the wrong size")
    menu.image, menu.image_type = call.raw, kind
    world.changed("menus")
    return Answer()


def image(world: World, call: Call) -> Answer:
    """GET /v2/bot/richmenu/{id}/content."""
    menu = _menu(world, call.params["menu_id"])
    if menu.image is None:
        raise not_found()
    return Answer(blob=menu.image, content_type=menu.image_type)


def listing(world: World, call: Call) -> Answer:
    """GET /v2/bot/richmenu/list."""
    return Answer(payload={"richmenus": [menu.as_json() for menu in world.menus.by_id.values()]})


def show(world: World, call: Call) -> Answer:
    """GET /v2/bot/richmenu/{id}."""
    return Answer(payload=_menu(world, call.params["menu_id"]).as_json())


def delete(world: World, call: Call) -> Answer:
    """DELETE /v2/bot/richmenu/{id}: whoever saw it falls back to the default."""
    menu = _menu(world, call.params["menu_id"])
    del world.menus.by_id[menu.rich_menu_id]
    world.menus.aliases = {name: kept for name, kept in world.menus.aliases.items() if kept != menu.rich_menu_id}
    if world.menus.default_id == menu.rich_menu_id:
        world.menus.default_id = None
    world.changed("menus")
    return Answer()


def set_default(world: World, call: Call) -> Answer:
    """POST /v2/bot/user/all/richmenu/{id}."""
    world.menus.default_id = _drawn(world, call.params["menu_id"]).rich_menu_id
    world.changed("menus")
    return Answer()


def get_default(world: World, call: Call) -> Answer:
    """GET /v2/bot/user/all/richmenu."""
    if world.menus.default_id is None:
        raise Refusal(404, "no default richmenu", [])
    return Answer(payload={"richMenuId": world.menus.default_id})


def clear_default(world: World, call: Call) -> Answer:
    """DELETE /v2/bot/user/all/richmenu."""
    world.menus.default_id = None
    world.changed("menus")
    return Answer()


def link(world: World, call: Call) -> Answer:
    """POST /v2/bot/user/{userId}/richmenu/{id}: 200 even where it is not applied."""
    menu = _drawn(world, call.params["menu_id"])
    _link(world, [_user_id(call.params["user_id"])], menu.rich_menu_id)
    return Answer()


def linked(world: World, call: Call) -> Answer:
    """GET /v2/bot/user/{userId}/richmenu."""
    user = world.people.get(_user_id(call.params["user_id"]))
    if user is None or user.rich_menu_id not in world.menus.by_id:
        raise Refusal(404, "the user has no richmenu", [])
    return Answer(payload={"richMenuId": user.rich_menu_id})


def unlink(world: World, call: Call) -> Answer:
    """DELETE /v2/bot/user/{userId}/richmenu."""
    _link(world, [_user_id(call.params["user_id"])], None)
    return Answer()


def bulk_link(world: World, call: Call) -> Answer:
    """POST /v2/bot/richmenu/bulk/link: 202."""
    menu_id = call.body.get("richMenuId")
    menu = _drawn(world, menu_id if isinstance(menu_id, str) else "")
    _link(world, _user_ids(call), menu.rich_menu_id)
    return Answer(202)


def bulk_unlink(world: World, call: Call) -> Answer:
    """POST /v2/bot/richmenu/bulk/unlink: 202."""
    _link(world, _user_ids(call), None)
    return Answer(202)


def create_alias(world: World, call: Call) -> Answer:
    """POST /v2/bot/richmenu/alias."""
    name = call.body.get("richMenuAliasId")
    if not isinstance(name, str) or not ALIAS.fullmatch(name):
        raise invalid_property("'richMenuAliasId'")
    if name in world.menus.aliases:
        raise Refusal(400, "conflict richmenu alias id", [])
    if len(world.menus.aliases) >= MOST:
        raise Refusal(400, "The maximum number of rich menu aliases has been reached", [])
    world.menus.aliases[name] = _aliasable(world, call.body.get("richMenuId"))
    return Answer()


def update_alias(world: World, call: Call) -> Answer:
    """POST /v2/bot/richmenu/alias/{aliasId}."""
    name = _alias(world, call)
    world.menus.aliases[name] = _aliasable(world, call.body.get("richMenuId"))
    return Answer()


def show_alias(world: World, call: Call) -> Answer:
    """GET /v2/bot/richmenu/alias/{aliasId}."""
    name = _alias(world, call)
    return Answer(payload={"richMenuAliasId": name, "richMenuId": world.menus.aliases[name]})


def delete_alias(world: World, call: Call) -> Answer:
    """DELETE /v2/bot/richmenu/alias/{aliasId}."""
    del world.menus.aliases[_alias(world, call)]
    return Answer()


def list_aliases(world: World, call: Call) -> Answer:
    """GET /v2/bot/richmenu/alias/list."""
    aliases = [{"richMenuAliasId": name, "richMenuId": menu_id} for name, menu_id in world.menus.aliases.items()]
    return Answer(payload={"aliases": aliases})


def _check(call: Call) -> None:
    problems = menu_problems(call.body)
    if problems:
        raise invalid_body(problems)


def _fits(raw: bytes, menu: RichMenu) -> bool:
    try:
        with Image.open(io.BytesIO(raw)) as picture:
            width, height = picture.size
    except (UnidentifiedImageError, OSError):
        return False
    size = menu.content["size"]
    return (width, height) == (size["width"], size["height"])


def _menu(world: World, menu_id: str) -> RichMenu:
    menu = world.menus.by_id.get(menu_id)
    if menu is None:
        raise Refusal(404, "Not found", [])
    return menu


def _drawn(world: World, menu_id: str) -> RichMenu:
    menu = _menu(world, menu_id)
    if menu.image is None:
        raise Refusal(400, "must upload richmenu image before applying it to user", [])
    return menu


def _aliasable(world: World, menu_id: object) -> str:
    menu = world.menus.by_id.get(menu_id) if isinstance(menu_id, str) else None
    if menu is None or menu.image is None:
        raise Refusal(400, "richmenu not found", [])
    return menu.rich_menu_id


def _alias(world: World, call: Call) -> str:
    name = call.params["alias_id"]
    if name not in world.menus.aliases:
        raise Refusal(404, "richmenu alias not found", [])
    return name


def _user_id(user_id: str) -> str:
    if not USER_ID.match(user_id):
        raise invalid_property("'userId'")
    return user_id


def _user_ids(call: Call) -> list[str]:
    ids = call.body.get("userIds")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 500:
        raise invalid_body([Problem("Size must be between 1 and 500", "userIds")])
    return [_user_id(str(user_id)) for user_id in ids]


def _link(world: World, user_ids: Iterable[str], menu_id: str | None) -> None:
    """A personal menu never applies to who is no friend."""
    for user_id in user_ids:
        user: User | None = world.people.get(user_id)
        if user is not None and user.state == "friend":
            user.rich_menu_id = menu_id
            world.changed(user_id)
