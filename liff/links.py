"""Tracked links of sends to many: the token names the send, the session names the person, who is then passed on."""

from apiflask import APIBlueprint
from flask import Response, jsonify
from pydantic import Field

import door
from domain.operations import collecting, linking
from domain.operations.converting import Trace
from liff import session
from liff.screens import Shape, api_blueprint

links: APIBlueprint = api_blueprint("links", __name__)


class TargetOut(Shape):
    url: str
    inside: bool = Field(description="A page of the mini-app, as its own path")


@links.post("/links/<token>")
@links.output(TargetOut)
def follow(token: str) -> Response:
    """Record the tap, and say where it leads."""
    me, db = session.person(), door.session()
    link = linking.follow(db, token, member_id=me.id, now=door.now())
    page = linking.page_of(db, link)
    outside = collecting.carrying(db, link, member_id=me.id, now=door.now()) if page is None else ""
    db.commit()
    target = TargetOut(url=f"/liff{page}" if page is not None else outside, inside=page is not None)
    response = jsonify(target.model_dump())
    return session.keep_trace(response, me, Trace(link.campaign_id, link.message_id))
