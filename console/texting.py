"""The port to whoever sends text messages: in practice mode the simulator, otherwise what the deployment plugs in."""

from collections.abc import Callable

import requests

import door
from domain.errors import Unavailable
from domain.wording import mark

SendText = Callable[[str, str], None]


def texter() -> SendText | None:
    """Sends (phone, words); None when this deployment sends no text messages."""
    plugged: SendText | None = door.service().extra.get("texts")
    return plugged or (_to_the_simulator if door.service().practice else None)


def _to_the_simulator(phone: str, words: str) -> None:
    address = f"{door.service().practice_origin}/_sim/sms"
    try:
        requests.post(address, json={"to": phone, "text": words}, timeout=(3, 5)).raise_for_status()
    except requests.RequestException:
        raise Unavailable(mark("No code was sent: the text message did not go out. Try again in a minute.")) from None
