"""Rich menus keep LINE's rules."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from line.simulator.testing import Simulator
from tests.line.simulator.conftest import App, Line

BOUNDS = {"x": 0, "y": 0, "width": 1250, "height": 843}
TAP = {"bounds": BOUNDS, "action": {"type": "postback", "label": "Card", "data": "menu=card"}}


def menu(*areas: dict) -> dict:
    size = {"width": 1250, "height": 843}
    return {"size": size, "selected": True, "name": "main", "chatBarText": "Menu", "areas": list(areas or (TAP,))}


def picture(width: int = 1250, height: int = 843) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#336677").save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def upload(line: Line) -> Callable[..., object]:
    def send(menu_id: str, raw: bytes, kind: str = "image/png"):
        return line("POST", f"/v2/bot/richmenu/{menu_id}/content", data=raw, headers={"Content-Type": kind})

    return send


@pytest.fixture
def drawn(line: Line, upload) -> Callable[..., str]:
    def make(*areas: dict) -> str:
        menu_id = line("POST", "/v2/bot/richmenu", menu(*areas)).json()["richMenuId"]
        assert upload(menu_id, picture()).status_code == 200
        return menu_id

    return make


def test_an_image_is_written_once_and_must_fit(simulator: Simulator, line: Line, upload) -> None:
    menu_id = line("POST", "/v2/bot/richmenu", menu()).json()["richMenuId"]
    assert upload(menu_id, picture(), "text/plain").status_code == 415
    assert upload(menu_id, picture(800, 540)).json()["message"] == "The image size is not allowed for richmenu"
    assert upload(menu_id, picture()).json() == {}
    assert upload(menu_id, picture()).json()["message"] == "An image has already been uploaded to the richmenu"
    assert line("GET", f"/v2/bot/richmenu/{menu_id}/content").content == picture()


def test_a_menu_without_image_cannot_be_shown(simulator: Simulator, line: Line) -> None:
    menu_id = line("POST", "/v2/bot/richmenu", menu()).json()["richMenuId"]
    answer = line("POST", f"/v2/bot/user/all/richmenu/{menu_id}")
    assert (answer.status_code, answer.json()["message"]) == (
        400,
        "must upload richmenu image before applying it to user",
    )


def test_a_persons_own_menu_comes_before_the_default(simulator: Simulator, line: Line, drawn, app: App) -> None:
    user = simulator.add_user(following=True)
    default, own = drawn(), drawn()
    assert line("GET", "/v2/bot/user/all/richmenu").status_code == 404
    line("POST", f"/v2/bot/user/all/richmenu/{default}")
    assert simulator.menu(user)["richMenuId"] == default
    line("POST", f"/v2/bot/user/{user}/richmenu/{own}")
    assert line("GET", f"/v2/bot/user/{user}/richmenu").json() == {"richMenuId": own}
    assert simulator.menu(user)["richMenuId"] == own
    simulator.tap(user, "Card")
    assert app.events[-1]["postback"] == {"data": "menu=card"}
    line("DELETE", f"/v2/bot/user/{user}/richmenu")
    assert simulator.menu(user)["richMenuId"] == default


def test_linking_to_who_is_no_friend_is_accepted_and_does_nothing(simulator: Simulator, line: Line, drawn) -> None:
    stranger = simulator.add_user()
    assert line("POST", f"/v2/bot/user/{stranger}/richmenu/{drawn()}").status_code == 200
    assert line("GET", f"/v2/bot/user/{stranger}/richmenu").status_code == 404


def test_many_are_linked_at_once(simulator: Simulator, line: Line, drawn) -> None:
    users, menu_id = simulator.add_users([{"following": True}] * 3), drawn()
    answer = line("POST", "/v2/bot/richmenu/bulk/link", {"richMenuId": menu_id, "userIds": users})
    assert answer.status_code == 202
    assert {simulator.user(user)["rich_menu_id"] for user in users} == {menu_id}


def test_a_switch_follows_the_alias_and_tells_the_app(simulator: Simulator, line: Line, drawn, app: App) -> None:
    switch = {"bounds": BOUNDS, "action": {"type": "richmenuswitch", "richMenuAliasId": "b", "data": "tab=b"}}
    first, second = drawn(switch), drawn()
    user = simulator.add_user(following=True)
    line("POST", f"/v2/bot/user/all/richmenu/{first}")
    assert line("POST", "/v2/bot/richmenu/alias", {"richMenuAliasId": "b", "richMenuId": second}).json() == {}
    conflict = line("POST", "/v2/bot/richmenu/alias", {"richMenuAliasId": "b", "richMenuId": second})
    assert conflict.json()["message"] == "conflict richmenu alias id"

    simulator.tap(user, "b")

    params = {"newRichMenuAliasId": "b", "status": "SUCCESS"}
    assert app.events[-1]["postback"] == {"data": "tab=b", "params": params}
    assert simulator.menu(user)["richMenuId"] == second
    assert simulator.violations() == []


def test_a_menu_out_of_proportion_is_refused(simulator: Simulator, line: Line) -> None:
    square = menu() | {"size": {"width": 800, "height": 800}}
    answer = line("POST", "/v2/bot/richmenu", square)
    assert [problem["property"] for problem in answer.json()["details"]] == ["size"]
    assert line("POST", "/v2/bot/richmenu/validate", menu()).json() == {}
