"""GET /t/{token}: a link in a personal message. It notes who tapped, then leads on."""

import re

from flask import Blueprint, Flask, Response, redirect, render_template_string, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

import door
from domain.errors import NotFound
from domain.operations import collecting, linking

links = Blueprint("links", __name__)
# What looks at links to draw a preview is nobody's tap.
ROBOTS = re.compile(
    r"bot\b|crawler|spider|preview|facebookexternalhit|slackbot|line-poker|linespider|twitterbot|whatsapp|telegram|"
    r"discord|skype|curl|wget|python-requests|headless|monitoring",
    re.IGNORECASE,
)
TAPS = "600 per minute"
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


def limit(app: Flask) -> None:
    """Counted per process and address: it stops a flood, not a carrier's gateway full of people."""
    limiter = Limiter(get_remote_address, app=app, storage_uri="memory://", key_prefix="links")
    app.view_functions["links.follow"] = limiter.limit(TAPS)(app.view_functions["links.follow"])


def _noted(token: str) -> str:
    _looked_up(token)  # a token nobody made costs no write
    with door.writing() as session:
        return collecting.carrying(session, linking.follow(session, token, now=door.now()), now=door.now())


def _looked_up(token: str) -> str:
    return linking.look_up(door.session(), token).url


def _is_person() -> bool:
    """A browser that asks for the page itself: not a preview, not a prefetch, not a HEAD."""
    purpose = request.headers.get("Sec-Purpose", "") + request.headers.get("Purpose", "")
    agent = request.headers.get("User-Agent", "")
    return request.method == "GET" and "prefetch" not in purpose and bool(agent) and not ROBOTS.search(agent)
