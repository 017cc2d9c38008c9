"""How to reach LINE, and the calls that are not bulk sending: profiles, rich menus, quota, validation.

line-bot-sdk is imported when first needed (it takes two seconds), always with time-outs (it has none),
and its several kinds of exception become one: LineTrouble.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import structlog

log = structlog.get_logger()
LINE_HOST = "https://api.line.me"
LINE_DATA_HOST = "https://api-data.line.me"
TIMEOUT_SECONDS = (3.0, 10.0)  # connect, read; the SDK has none of its own


@dataclass(frozen=True)
class LineAccess:
    """What any caller of LINE needs. `base` is empty for LINE itself."""

    token: str
    base: str = ""
    login_channel_id: str = ""

    @property
    def host(self) -> str:
        return self.base or LINE_HOST

    @property
    def data_host(self) -> str:
        return self.base or LINE_DATA_HOST


class LineTrouble(Exception):
    """LINE said no, or did not answer. `status` is None when nothing came back."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class LineProfile:
    """A friend as LINE shows them."""

    name: str | None
    picture_url: str | None
    language: str | None


@dataclass(frozen=True)
class BotInfo:
    """The account itself."""

    user_id: str
    basic_id: str
    name: str
    answers_by: str  # `bot`, or `chat` when people answer in the account manager


class LineClient:
    """The SDK with time-outs and one kind of trouble. Make it after forking; it keeps its connections."""

    def __init__(self, access: LineAccess) -> None:
        self.access = access

    def profile(self, user_id: str) -> LineProfile:
        with _calls():
            found = self._api.get_profile(user_id, _request_timeout=TIMEOUT_SECONDS)
        return LineProfile(found.display_name, found.picture_url, found.language)

    def bot_info(self) -> BotInfo:
        with _calls():
            found = self._api.get_bot_info(_request_timeout=TIMEOUT_SECONDS)
        return BotInfo(found.user_id, found.basic_id, found.display_name, str(getattr(found.chat_mode, "value", "")))

    def webhook(self) -> tuple[str, bool]:
        """The address LINE calls, and whether it is switched on."""
        with _calls():
            found = self._api.get_webhook_endpoint(_request_timeout=TIMEOUT_SECONDS)
        return found.endpoint, bool(found.active)

    def test_webhook(self) -> tuple[bool, str]:
        """Has LINE call us now; whether that worked, and LINE's reason."""
        from linebot.v3.messaging import TestWebhookEndpointRequest

        with _calls():
            found = self._api.test_webhook_endpoint(TestWebhookEndpointRequest(), _request_timeout=(3.0, 20.0))
        return bool(found.success), f"{found.reason} {found.detail}".strip()

    def allowance(self) -> tuple[int | None, int]:
        """The month's messages (None: unlimited) and how many are used."""
        with _calls():
            plan = self._api.get_message_quota(_request_timeout=TIMEOUT_SECONDS)
            used = self._api.get_message_quota_consumption(_request_timeout=TIMEOUT_SECONDS)
        return plan.value, used.total_usage

    def validate(self, messages: list[dict[str, Any]], *, kind: str = "push") -> None:
        """Has LINE look at messages without sending them. Raises LineTrouble with what is wrong."""
        self._post(f"/v2/bot/message/validate/{kind}", {"messages": messages})

    def show_loading(self, user_id: str, *, seconds: int = 10) -> None:
        """The dots that say an answer is coming."""
        self._post("/v2/bot/chat/loading/start", {"chatId": user_id, "loadingSeconds": seconds})

    def create_menu(self, menu: dict[str, Any], image: bytes) -> str:
        """A new rich menu with its image (which can never be changed); its id at LINE."""
        made = self._post("/v2/bot/richmenu", menu)
        menu_id = str(made["richMenuId"])
        with _calls():
            self._blobs.set_rich_menu_image(
                menu_id, body=bytearray(image), _headers={"Content-Type": "image/png"}, _request_timeout=TIMEOUT_SECONDS
            )
        return menu_id

    def delete_menu(self, menu_id: str) -> None:
        with _calls():
            self._api.delete_rich_menu(menu_id, _request_timeout=TIMEOUT_SECONDS)

    def menu_ids(self) -> set[str]:
        """Every rich menu made through the API."""
        return {menu.rich_menu_id for menu in self._menus()}

    def menu_ids_named(self, names: tuple[str, ...]) -> set[str]:
        """Those whose name is one of `names`."""
        return {menu.rich_menu_id for menu in self._menus() if menu.name in names}

    def _menus(self) -> list[Any]:
        with _calls():
            return list(self._api.get_rich_menu_list(_request_timeout=TIMEOUT_SECONDS).richmenus)

    def set_default_menu(self, menu_id: str) -> None:
        with _calls():
            self._api.set_default_rich_menu(menu_id, _request_timeout=TIMEOUT_SECONDS)

    def link_menu(self, user_id: str, menu_id: str) -> None:
        with _calls():
            self._api.link_rich_menu_id_to_user(user_id, menu_id, _request_timeout=TIMEOUT_SECONDS)

    def link_menu_to_many(self, user_ids: list[str], menu_id: str) -> None:
        """Up to 500 people; LINE applies it within seconds."""
        self._post("/v2/bot/richmenu/bulk/link", {"richMenuId": menu_id, "userIds": user_ids})

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Raw JSON: the SDK's models drop properties they do not know."""
        import requests

        headers = {"Authorization": f"Bearer {self.access.token}"}
        with _calls():
            began = time.monotonic()
            answer = requests.post(self.access.host + path, json=body, headers=headers, timeout=TIMEOUT_SECONDS)
            _tell("POST", path, answer.status_code, answer.headers, began)
            if answer.status_code >= 400:
                raise LineTrouble(answer.text[:500], answer.status_code)
            found: dict[str, Any] = answer.json() if answer.content else {}
            return found

    @cached_property
    def _api(self) -> Any:
        from linebot.v3.messaging import MessagingApi

        return MessagingApi(self._connections)

    @cached_property
    def _blobs(self) -> Any:
        from linebot.v3.messaging import MessagingApiBlob

        return MessagingApiBlob(self._connections)

    @cached_property
    def _connections(self) -> Any:
        from linebot.v3.messaging import ApiClient, ApiException, Configuration

        class Telling(ApiClient):  # type: ignore[misc]  # the SDK has no types
            """Notes every call with the id LINE gave it; paths come with their {blanks} unfilled."""

            def call_api(self, resource_path: str, method: str, *more: Any, **named: Any) -> Any:
                began = time.monotonic()
                try:
                    found = super().call_api(resource_path, method, *more, **named)
                except ApiException as error:
                    _tell(method, resource_path, error.status, error.headers, began)
                    raise
                _tell(method, resource_path, self.last_response.status, self.last_response.getheaders(), began)
                return found

        # With a host of our own the SDK sends everything there, images included.
        options = {"host": self.access.base} if self.access.base else {}
        return Telling(Configuration(access_token=self.access.token, **options))


def _tell(method: str, path: str, status: int | None, headers: Mapping[str, str] | None, began: float) -> None:
    """One line a call: LINE keeps no log for us, and its support asks for the request id."""
    log.info(
        "called line", method=method, path=path, status=status, request_id=(headers or {}).get("x-line-request-id"),
        ms=round((time.monotonic() - began) * 1000, 1),
    )  # fmt: skip


@contextmanager
def _calls() -> Iterator[None]:
    """Turns everything that can go wrong in a call into LineTrouble."""
    import requests
    import urllib3
    from linebot.v3.messaging import ApiException

    try:
        yield
    except ApiException as error:
        raise LineTrouble(str(error.body or error.reason)[:500], error.status) from error
    except (urllib3.exceptions.HTTPError, requests.RequestException) as error:
        raise LineTrouble(f"LINE did not answer: {type(error).__name__}") from error
    except (ValueError, TypeError, KeyError) as error:
        # A 200 whose body the SDK's strict models do not like.
        raise LineTrouble(f"LINE answered what we do not understand: {type(error).__name__}") from error
