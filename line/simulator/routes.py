"""LINE's addresses: which function answers, how often it may be called, whether it takes a retry key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from line.simulator import login, messaging, richmenus, users
from line.simulator.answers import Answer, Call
from line.simulator.limits import LOADING, MENU_CHANGE, MENU_LIST, MOST, MULTICAST, WEBHOOK_SETTING, Rate
from line.simulator.world import World

Body = Literal["json", "form", "blob", "none"]


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint of LINE's."""

    method: str
    path: str
    name: str
    handler: Callable[[World, Call], Answer]
    rate: Rate = MOST
    takes_retry_key: bool = False
    channel_token: bool = True
    body: Body = "json"


def _get(path: str, name: str, handler: Callable[[World, Call], Answer], rate: Rate = MOST) -> Route:
    return Route("GET", path, name, handler, rate, body="none")


def _menu(method: str, path: str, name: str, handler: Callable[[World, Call], Answer], rate: Rate = MOST) -> Route:
    return Route(method, "/v2/bot" + path, name, handler, rate, body="json" if method == "POST" else "none")


BOT = "/v2/bot/message"
SENDING = (
    Route("POST", f"{BOT}/push", "push", messaging.push, takes_retry_key=True),
    Route("POST", f"{BOT}/multicast", "multicast", messaging.multicast, MULTICAST, takes_retry_key=True),
    Route("POST", f"{BOT}/reply", "reply", messaging.reply),
    Route("POST", f"{BOT}/validate/{{kind:reply|push|multicast|narrowcast|broadcast}}", "validate", messaging.validate),
    Route("POST", "/v2/bot/chat/loading/start", "loading", messaging.loading, LOADING),
    Route("POST", "/v2/bot/chat/markAsRead", "mark_as_read", messaging.mark_as_read),
    _get(f"{BOT}/quota", "quota", messaging.quota),
    _get(f"{BOT}/quota/consumption", "quota_consumption", messaging.consumption),
    _get(f"{BOT}/delivery/{{kind:reply|push|multicast|broadcast}}", "delivery", messaging.delivery),
    _get(f"{BOT}/aggregation/info", "aggregation_info", messaging.units_info),
    _get(f"{BOT}/aggregation/list", "aggregation_list", messaging.units_list),
)
PEOPLE = (
    _get("/v2/bot/profile/{user_id}", "profile", users.profile),
    _get("/v2/bot/followers/ids", "followers", users.followers),
    _get("/v2/bot/info", "bot_info", users.bot_info),
    _get("/v2/bot/channel/webhook/endpoint", "webhook_endpoint", users.webhook_endpoint, WEBHOOK_SETTING),
)
MENUS = (
    _menu("POST", "/richmenu", "richmenu_create", richmenus.create, MENU_CHANGE),
    _menu("POST", "/richmenu/validate", "richmenu_validate", richmenus.validate),
    _menu("GET", "/richmenu/list", "richmenu_list", richmenus.listing, MENU_LIST),
    _menu("POST", "/richmenu/bulk/link", "richmenu_bulk_link", richmenus.bulk_link),
    _menu("POST", "/richmenu/bulk/unlink", "richmenu_bulk_unlink", richmenus.bulk_unlink),
    _menu("POST", "/richmenu/alias", "richmenu_alias_create", richmenus.create_alias),
    _menu("GET", "/richmenu/alias/list", "richmenu_alias_list", richmenus.list_aliases),
    _menu("GET", "/richmenu/alias/{alias_id}", "richmenu_alias", richmenus.show_alias),
    _menu("POST", "/richmenu/alias/{alias_id}", "richmenu_alias_update", richmenus.update_alias),
    _menu("DELETE", "/richmenu/alias/{alias_id}", "richmenu_alias_delete", richmenus.delete_alias, MENU_CHANGE),
    Route("POST", "/v2/bot/richmenu/{menu_id}/content", "richmenu_image", richmenus.upload, body="blob"),
    _menu("GET", "/richmenu/{menu_id}/content", "richmenu_image_get", richmenus.image),
    _menu("GET", "/richmenu/{menu_id:richmenu-.+}", "richmenu", richmenus.show),
    _menu("DELETE", "/richmenu/{menu_id:richmenu-.+}", "richmenu_delete", richmenus.delete, MENU_CHANGE),
    Route("POST", "/v2/bot/user/all/richmenu/{menu_id}", "richmenu_default_set", richmenus.set_default, body="none"),
    _menu("GET", "/user/all/richmenu", "richmenu_default", richmenus.get_default),
    _menu("DELETE", "/user/all/richmenu", "richmenu_default_clear", richmenus.clear_default),
    Route("POST", "/v2/bot/user/{user_id}/richmenu/{menu_id}", "richmenu_link", richmenus.link, body="none"),
    _menu("GET", "/user/{user_id}/richmenu", "richmenu_linked", richmenus.linked),
    _menu("DELETE", "/user/{user_id}/richmenu", "richmenu_unlink", richmenus.unlink),
)
LOGIN = (
    Route("GET", "/oauth2/v2.1/certs", "login_certs", login.certs, channel_token=False, body="none"),
    Route("POST", "/oauth2/v2.1/verify", "login_verify", login.verify_id_token, channel_token=False, body="form"),
    Route(
        "GET", "/oauth2/v2.1/verify", "login_verify_access", login.verify_access_token, channel_token=False, body="none"
    ),
    Route("POST", "/oauth2/v2.1/revoke", "login_revoke", login.revoke, channel_token=False, body="form"),
    Route("GET", "/oauth2/v2.1/userinfo", "login_userinfo", login.user_info, channel_token=False, body="none"),
    Route("POST", "/oauth2/v2.1/userinfo", "login_userinfo_post", login.user_info, channel_token=False, body="form"),
    Route("GET", "/v2/profile", "login_profile", login.own_profile, channel_token=False, body="none"),
    Route("GET", "/friendship/v1/status", "login_friendship", login.friendship, channel_token=False, body="none"),
)
ROUTES = SENDING + PEOPLE + MENUS + LOGIN

# LINE has these; the simulator does not, and says so by name instead of pretending.
NOT_BUILT = (
    "/v2/bot/",
    "/v2/oauth/",
    "/oauth2/",
    "/bot/",
    "/message/v3/",
    "/shop/",
    "/liff/v1/",
    "/user/v1/",
)
