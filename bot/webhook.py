"""POST /webhook: the signature over the raw body, the raw body in one insert, 200. Nothing else (I1)."""

import base64
import hmac
import json
from datetime import UTC, datetime

from flask import Blueprint, Response, request
from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError

from door import problem_of, service
from models.channel import Channel
from models.inbox import InboundBody

webhook = Blueprint("webhook", __name__)
LARGEST_BODY = 1024 * 1024


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Whether LINE signed exactly these bytes with our channel secret."""
    digest = base64.b64encode(hmac.digest(secret.encode(), body, "sha256"))
    return hmac.compare_digest(digest, signature.encode())


@webhook.post("/webhook")
def receive() -> Response:
    if (request.content_length or 0) > LARGEST_BODY:
        return problem_of(413, "too_large", "A webhook body is at most 1 MB.")
    body = request.stream.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        return problem_of(413, "too_large", "A webhook body is at most 1 MB.")
    if not is_signed(body, request.headers.get("X-Line-Signature", ""), service().channel_secret):
        return problem_of(401, "bad_signature", "The signature does not match the body.")
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return problem_of(400, "not_json", "The body is not JSON.")
    return store(body)


def store(body: bytes) -> Response:
    """One insert, one commit. What could not be stored is never acknowledged."""
    try:
        with service().sessions.writing() as session:
            channel = select(Channel.id).order_by(Channel.id).limit(1).scalar_subquery()
            session.execute(insert(InboundBody).values(channel_id=channel, received_at=datetime.now(UTC), body=body))
            session.commit()
    except SQLAlchemyError:
        return problem_of(503, "not_stored", "The event could not be stored; send it again.")
    return Response("", 200)
