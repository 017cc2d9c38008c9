"""GET /t/{token}: a link in a personal message. It notes who tapped, then leads on."""

import re

from flask import Blueprint, Response, redirect, render_template_string, request

import door
from domain.errors import NotFound
from domain.operations import linking

links = Blueprint("links", __name__)
# What looks at links to draw a preview is nobody's tap.
ROBOTS = re.compile(
    r"bot\b|crawler|spider|preview|facebookexternalhit|slackbot|line-poker|linespider|twitterbot|whatsapp|telegram|"
    r"discord|skype|curl|wget|python-requests|headless|monitoring",
    re.IGNORECASE,
)
GONE = """<!doctype html><html lang="{{ language() }}"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{{ title }}</title>
<main><h1>{{ title }}</h1><p>{{ words }}</p></main></html>"""


@links.get("/t/<token>")
def follow(token: str) -> Response | tuple[str, int]:
    try:
        url = _noted(token) if _is_person() else _looked_up(token)
    except NotFound as gone:
        title = door.words("This link has ended")
        return render_template_string(GONE, title=title, words=door.words(gone.message)), 404
    answer = redirect(url, 302)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    assert isinstance(answer, Response)
    return answer


def _noted(token: str) -> str:
    with door.writing() as session:
        return linking.follow(session, token, now=door.now()).url


def _looked_up(token: str) -> str:
    return linking.look_up(door.session(), token).url


def _is_person() -> bool:
    """A browser that asks for the page itself: not a preview, not a prefetch, not a HEAD."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    agent = request.headers.get("User-Agent", "")
    return request.method == "GET" and "prefetch" not in purpose and bool(agent) and not ROBOTS.search(agent)
