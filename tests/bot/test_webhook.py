"""What LINE sends is stored before it is answered, and only what LINE signed."""

import base64
import hmac

import pytest
import requests
from sqlalchemy import select, text

from bot.webhook import is_signed
from models.inbox import InboundBody
from tests.support.world import World


def post(world: World, body: bytes, signature: str | None = None) -> requests.Response:
    made = base64.b64encode(hmac.digest(world.line.channel.secret.encode(), body, "sha256")).decode()
    headers = {"X-Line-Signature": made if signature is None else signature, "Content-Type": "application/json"}
    return requests.post(world.url + "/webhook", data=body, headers=headers, timeout=10)


def stored(world: World) -> int:
    with world.session() as session:
        return int(session.execute(text("SELECT count(*) FROM inbound_body")).scalar_one())


def test_lines_own_example_is_signed() -> None:
    body = b'{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}'
    assert is_signed(body, "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=", "8c570fa6dd201bb328f1c1eac23a96d8")


def test_the_verify_button_is_answered(world: World) -> None:
    assert post(world, b'{"destination":"U0","events":[]}').status_code == 200


@pytest.mark.parametrize("signature", ["", "x", "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs=", "\u00e9"])
def test_what_line_did_not_sign_is_refused_and_not_stored(world: World, signature: str) -> None:
    answer = post(world, b'{"events":[]}', signature.encode("latin-1").decode("latin-1"))
    assert (answer.status_code, stored(world)) == (401, 0)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"hello", "it is not JSON"),
        (b"", "it is not JSON"),
        (b'{"destination":"U0","eve', "it is not JSON"),
        (b"\xff\xfe{", "it is not text in UTF-8"),
        (b'{"events":[{"type":"follow","note":"\xed\xa0\x80"}]}', "it is not text in UTF-8"),
        (b"[" * 200_000, "it is nested too deeply"),
        (b'{"events":[' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"]}", "it is nested too deeply"),
    ],
)
def test_what_line_signed_is_stored_and_what_nobody_can_read_is_parked_with_its_reason(
    world: World, body: bytes, why: str
) -> None:
    assert post(world, body).status_code == 200
    world.settle()
    with world.session() as session:
        parked = session.scalars(select(InboundBody)).one()
    assert (parked.state, (parked.error or "")[: len(why)]) == ("parked", why)
    assert parked.body == body


def test_when_it_cannot_be_stored_line_is_not_told_that_it_was(world: World) -> None:
    with world.session() as session:
        session.execute(text("ALTER TABLE inbound_body RENAME TO elsewhere"))
        session.commit()
    answer = post(world, b'{"events":[]}')
    assert (answer.status_code, answer.json()["code"]) == (503, "not_stored")


def test_a_busy_database_is_not_waited_for_long(world: World) -> None:
    with world.session() as session:
        lock = (
            "LOCK TABLE inbound_body" if session.get_bind().dialect.name == "postgresql" else "DELETE FROM inbound_body"
        )
        session.execute(text(lock))
        answer = post(world, b'{"events":[]}')
        session.rollback()
    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 5
    assert post(world, b'{"events":[]}').status_code == 200


def test_a_proxy_may_pass_the_body_on_in_chunks(world: World) -> None:
    body = b'{"events":[]}'
    made = base64.b64encode(hmac.digest(world.line.channel.secret.encode(), body, "sha256")).decode()
    headers = {"X-Line-Signature": made, "Content-Type": "application/json"}
    pieces = iter([body[:5], body[5:]])
    assert requests.post(world.url + "/webhook", data=pieces, headers=headers, timeout=10).status_code == 200
    assert stored(world) == 1


def test_more_than_a_megabyte_is_refused(world: World) -> None:
    assert post(world, b'{"events":"' + b"x" * 1024 * 1024 + b'"}').status_code == 413


def test_json_that_is_no_envelope_is_stored_and_harmless(world: World) -> None:
    for body in (b"[]", b"1", b'{"events":7}', b'{"events":[1,null,"x",[]]}', b"{}"):
        assert post(world, body).status_code == 200
    world.settle()
    with world.session() as session:
        states = session.execute(text("SELECT DISTINCT state FROM inbound_body")).scalars().all()
    assert states == ["done"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_posts_are_taken(world: World, method: str) -> None:
    assert requests.request(method, world.url + "/webhook", timeout=10).status_code == 405
