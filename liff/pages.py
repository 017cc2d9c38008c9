"""The mini-app's pages: shells that paint at once and say nothing about anyone; their modules fetch the rest."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from flask import Blueprint, Flask, Response, abort, make_response, render_template, request, send_from_directory
from sqlalchemy.orm import Session

import door
import door_errors
from domain.wording import mark
from liff import brand_css, texts
from liff.screens import plain_blueprint
from liff.words import STATIC, modules_of, words_of
from models.channel import the_channel
from models.programme import the_brand

pages = plain_blueprint("pages", __name__)
files = Blueprint("liff_files", __name__, url_prefix="/liff")

LINE_SDK = "https://static.line-scdn.net/liff/edge/2/sdk.js"
YEAR_SECONDS = 31_536_000


@dataclass(frozen=True)
class Screen:
    """A page: its address below /liff/, its template, the module that fills it, the name in its title."""

    path: str
    template: str
    script: str
    title: str
    page: str = ""  # what openings are counted under; the path when empty


SCREENS = (
    Screen("", "liff/card.html", "card.js", mark("My card"), "card"),
    Screen("card", "liff/card.html", "card.js", mark("My card")),
    Screen("join", "liff/join.html", "join.js", mark("Make my card")),
    Screen("book", "liff/book.html", "book.js", mark("Book a visit")),
    Screen("coupons", "liff/coupons.html", "coupons.js", mark("Coupons")),
    Screen("tier", "liff/tier.html", "tier.js", mark("Tier and points")),
    Screen("missions", "liff/missions.html", "missions.js", mark("Missions")),
    Screen("friends", "liff/friends.html", "friends.js", mark("Bring a friend")),
    Screen("news", "liff/text.html", "text.js", mark("News")),
    Screen("contact", "liff/text.html", "text.js", mark("Contact")),
    Screen("privacy", "liff/text.html", "text.js", mark("Privacy")),
    Screen("me", "liff/me.html", "me.js", mark("My data")),
    Screen("invoices", "liff/invoices.html", "invoices.js", mark("My invoices")),
    Screen("forms/<key>", "liff/form.html", "form.js", mark("A few questions")),
    Screen("from/<key>", "liff/from.html", "from.js", mark("Welcome")),
    Screen("t/<token>", "liff/link.html", "link.js", mark("One moment")),
)


def prepare(app: Flask) -> None:
    door_errors.shape_errors(app, "/liff", error_page)


def shell(screen: Screen, *, status: int = 200, **more: object) -> Response:
    """A page as it first paints."""
    session = door.session()
    brand = the_brand(session)
    page = screen.page or request.path.removeprefix("/liff/").rstrip("/")
    html = render_template(
        screen.template, screen=screen, brand=brand, page=page, asset=asset, sdk=_sdk(),
        modules=modules_of(screen.script), settings=_settings(session, page),
        words=words_of(screen.script, door.language()), colours=brand_css.digest(brand.colour),
        content=texts.of(session, page, door.language()), **more,
    )  # fmt: skip
    response = make_response(html, status)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Language"] = door.language()
    response.vary.add("Accept-Language")
    response.vary.add("Cookie")
    return response


def error_page(trouble: door_errors.Trouble) -> Response:
    """What went wrong, in the mini-app's own look."""
    screen = Screen("", "liff/error.html", "plain.js", mark("Not here"), "error")
    return shell(screen, status=trouble.status, trouble=trouble)


def _add(screen: Screen) -> None:
    def view(**_parts: str) -> Response:
        return shell(screen)

    name = screen.template.rpartition("/")[2].removesuffix(".html")
    endpoint = f"{name}_{screen.path.split('/')[0] or 'home'}"
    pages.add_url_rule("/" + screen.path, endpoint, view, methods=["GET"])


for each in SCREENS:
    _add(each)


@files.get("/static/<digest>/<path:name>")
def static_file(digest: str, name: str) -> Response:
    """Our modules and styles; the address changes with their content, so browsers may keep them."""
    response = send_from_directory(STATIC, name, max_age=YEAR_SECONDS if digest == static_digest() else 0)
    if name.endswith(".js"):
        response.mimetype = "text/javascript"
    return response


@files.get("/brand.css")
def brand_style() -> Response:
    """The brand's colours, and text colours that can be read on them."""
    css = brand_css.style(the_brand(door.session()).colour)
    return Response(css, mimetype="text/css", headers={"Cache-Control": "public, max-age=3600"})


@lru_cache
def static_digest() -> str:
    content = hashlib.sha256()
    for path in sorted(STATIC.rglob("*.*")):
        content.update(path.read_bytes())
    return content.hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a static file."""
    if not (STATIC / name).exists():
        abort(404)
    return f"/liff/static/{static_digest()}/{name}"


def _sdk() -> str:
    practice = door.service().practice_origin
    return f"{practice}/liff/sdk.js" if practice else LINE_SDK


def _settings(session: Session, page: str) -> dict[str, object]:
    """What the modules need to know: no person in it."""
    liff_id, practice = the_channel(session).liff_id, door.service().practice_origin
    base = f"{practice}/liff/open/{liff_id}" if practice else f"https://liff.line.me/{liff_id}"
    return {
        "liffId": liff_id, "liffUrl": base, "page": page, "language": door.language(),
        "invoices": the_brand(session).currency == "TWD",  # e-invoices to register are Taiwan's
    }  # fmt: skip
