"""A draw's public page: what was promised, what came of it, and how anyone can check it. Nobody signs in."""

from flask import Blueprint, Response, render_template
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

import door
from domain.calendar import calendar_of
from domain.errors import NotFound
from domain.operations import drawing
from domain.reports.mission_words import reward_words
from domain.wording import mark, moment_words, pick
from liff import brand_css
from liff.pages import asset
from models.mission import Draw, Ticket
from models.programme import the_brand

draws = Blueprint("draws", __name__, url_prefix="/draws", template_folder="templates")

SHOWN = 200
CHECK = """\
import hashlib, urllib.request
page = "{address}"
refs = urllib.request.urlopen(page + "/tickets.txt").read()
seed = bytes.fromhex("{seed}")
assert hashlib.sha256(seed).hexdigest() == "{seed_hash}"
assert hashlib.sha256(refs).hexdigest() == "{list_hash}"
start = seed + bytes.fromhex("{list_hash}")
order = sorted(refs.split(), key=lambda ref: hashlib.sha256(start + ref).digest())
for place, ref in enumerate(order, 1):
    print(place, ref.decode())"""


@draws.after_request
def _headers(response: Response) -> Response:
    return door.security_headers(response)


@draws.get("/<key>")
def show(key: str) -> str:
    """The draw in words, before and after."""
    session, language = door.session(), door.language()
    draw, brand = the_draw(session, key), the_brand(session)
    winners = select(Ticket).where(Ticket.draw_id == draw.id, Ticket.prize.is_not(None)).order_by(Ticket.place)
    list_of = select(Ticket.ref).where(_in_the_list(draw)).order_by(Ticket.ref)
    count = session.scalar(select(func.count()).select_from(Ticket).where(_in_the_list(draw))) or 0
    prizes = [(reward_words(session, each["benefit"], language), each.get("count", 1)) for each in draw.prizes]
    is_drawn = draw.drawn_at is not None
    return render_template(
        "liff/draw.html", draw=draw, brand=brand, name=pick(draw.name, language) or draw.key, prizes=prizes,
        closes=moment_words(language, draw.closes_at, calendar_of(session).zone), count=count, is_drawn=is_drawn,
        is_closed=door.now() >= draw.closes_at, winners=session.scalars(winners.limit(SHOWN)).all() if is_drawn else [],
        refs=session.scalars(list_of.limit(SHOWN)).all(), asset=asset, colours=brand_css.digest(brand.colour),
        seed=draw.seed.hex() if is_drawn else None, check=_check(draw) if is_drawn else "",
    )  # fmt: skip


@draws.get("/<key>/tickets.txt")
def tickets(key: str) -> Response:
    """Every ticket that takes part, sorted, one a line: of a draw that is over, exactly what was hashed."""
    session = door.session()
    refs = session.scalars(select(Ticket.ref).where(_in_the_list(the_draw(session, key)))).all()
    return Response("\n".join(sorted(refs)), mimetype="text/plain")


def the_draw(session: Session, key: str) -> Draw:
    draw = session.scalar(select(Draw).where(Draw.key == key)) if "\0" not in key else None
    if draw is None:
        raise NotFound(mark("There is no such draw. See what else there is."))
    return draw


def _in_the_list(draw: Draw) -> ColumnElement[bool]:
    """Of a draw that is over, what was frozen; before, who would take part now."""
    if draw.drawn_at is None:
        return drawing.valid_tickets(draw)
    return (Ticket.draw_id == draw.id) & Ticket.place.is_not(None)


def _check(draw: Draw) -> str:
    return CHECK.format(
        address=f"{door.service().public_url}/draws/{draw.key}", seed=draw.seed.hex(), seed_hash=draw.seed_hash,
        list_hash=draw.list_hash,
    )  # fmt: skip
