"""Time in practice mode: the simulator's panel asks for a jump, the clock process walks there."""

import base64
import hmac

from flask import Blueprint, Response, jsonify, request

import door
from domain.errors import Invalid, NotAllowed
from domain.operations import time_travel
from domain.wording import mark
from models.clock import PracticeClock

practice = Blueprint("practice", __name__)


@practice.errorhandler(Invalid)
@practice.errorhandler(NotAllowed)
def refuse(refusal: Invalid | NotAllowed) -> Response:
    return door.problem(refusal)


@practice.get("/practice/time")
def where_we_are() -> Response:
    return _state()


@practice.post("/practice/time")
def jump() -> Response:
    signature = base64.b64encode(hmac.digest(door.service().channel_secret.encode(), request.get_data(), "sha256"))
    if not hmac.compare_digest(signature, request.headers.get("X-Line-Signature", "").encode()):
        raise NotAllowed(mark("Time was not moved: only the practice panel may do that."))
    asked = request.get_json(silent=True)
    seconds = asked.get("advance_seconds") if isinstance(asked, dict) else None
    time_travel.advance(door.session(), seconds=seconds, now=door.now())
    door.session().commit()
    return _state()


def _state() -> Response:
    row = door.session().get(PracticeClock, 1) or PracticeClock(
        offset_seconds=0, target_seconds=0, started_from=0, working=None
    )
    return jsonify(
        now=door.service().clock.now(door.session()).isoformat(),
        offset_seconds=row.offset_seconds,
        target_seconds=row.target_seconds,
        working=row.working,
        progress=round(row.progress, 3),
    )
