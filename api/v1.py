"""POST /api/v1/purchases, /events and /members: batches from shops' systems, safe to repeat."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from apiflask import APIBlueprint
from flask import abort, g, request
from pydantic import BaseModel
from sqlalchemy.orm import Session

import door
from api.parsing import Parser
from api.shapes import Events, MemberItem, Members, Purchases, Rejected, Taken
from domain.errors import Invalid, NotSignedIn, Refusal
from domain.operations import replaying, settling
from domain.operations.importing_events import EventRow, import_events, ranked
from domain.operations.importing_members import MemberRow, import_members
from domain.operations.importing_purchases import Loaded, import_purchases
from domain.operations.keying import find_key
from domain.wording import mark

PREFIX = "/api/v1"
v1 = APIBlueprint("api_v1", __name__, url_prefix=PREFIX, tag="Batches")


@v1.before_request
def require_key() -> None:
    """Only who holds a key; and only JSON that can be read."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    # Looked at in a session that only reads, so that wrong keys never hold the database's one writer.
    with door.service().sessions.reading() as reading:
        is_ours = scheme.lower() == "bearer" and key.isascii() and find_key(reading, key.strip(), now=None) is not None
    row = find_key(door.session(), key.strip(), now=door.now()) if is_ours else None
    if row is None:
        raise NotSignedIn(mark("This key opens nothing, so nothing was changed. Make one with `flask key add`."))
    g.caller = row.name
    g.language = "en"
    door.session().commit()  # the key's last use; the batch is a transaction of its own
    if not request.is_json:
        abort(415)
    try:
        request.get_json()
    except RecursionError:
        abort(400)


@v1.post("/purchases")
@v1.input(Purchases)
@v1.output(Taken)
def purchases(json_data: Purchases) -> Taken:
    """Order lines, late or early, once or twice, refunds before or after their sale."""
    parser, source = _parser(), g.caller

    def write(session: Session, rows: Sequence[Any]) -> Loaded:
        return import_purchases(session, rows, source=source, now=door.now())

    return _take(json_data.items, lambda item: parser.purchase(item.model_dump()), write, parser)


@v1.post("/events")
@v1.input(Events)
@v1.output(Taken)
def events(json_data: Events) -> Taken:
    """What happened to people: visits, clicks, carts, tags, sends of other systems …"""
    parser, seen = _parser(), Counter[str]()

    def parse(item: BaseModel) -> EventRow:
        row = parser.event(item.model_dump(exclude_defaults=True))
        row = row if "source" in item.model_fields_set else replace(row, source=g.caller)
        seen[row.content] += 1
        return ranked(row, seen[row.content])

    def write(session: Session, rows: Sequence[Any]) -> Loaded:
        return import_events(session, rows, now=door.now())

    return _take(json_data.items, parse, write, parser)


@v1.post("/members")
@v1.input(Members)
@v1.output(Taken)
def members(json_data: Members) -> Taken:
    """People, new or known; a phone or e-mail of someone else is refused."""
    parser, source = _parser(), g.caller

    def parse(item: MemberItem) -> MemberRow:
        return parser.member({**item.custom, **item.model_dump(exclude={"custom"})})

    def write(session: Session, rows: Sequence[Any]) -> Loaded:
        return import_members(session, rows, source=source, now=door.now())

    return _take(json_data.items, parse, write, parser)


def _parser() -> Parser:
    return Parser.of(door.session(), now=door.now())


def _take(
    items: Sequence[Any],
    parse: Callable[[Any], Any],
    write: Callable[[Session, Sequence[Any]], Loaded],
    parser: Parser,
) -> Taken:
    """One transaction for all items that can be taken; each of the others says why not."""
    rows: list[Any] = []
    places: list[int] = []
    refused: dict[int, Refusal] = {}
    for index, item in enumerate(items):
        try:
            rows.append(parse(item))
            places.append(index)
        except Invalid as refusal:
            refused[index] = refusal
    loaded = write(door.session(), rows)
    replaying.replay(door.session(), loaded.changed, now=door.now())
    settling.settle(door.session(), loaded.member_ids, now=door.now())
    door.session().commit()
    outcomes = Counter(outcome for outcome in loaded.outcomes if isinstance(outcome, str))
    pairs = zip(places, loaded.outcomes, strict=True)
    refused |= {index: outcome for index, outcome in pairs if isinstance(outcome, Refusal)}
    return Taken(
        accepted=outcomes["accepted"],
        repeated=outcomes["repeated"],
        rounded=parser.rounded,
        rejected=[
            Rejected(index=index, code=refusal.code, reason=door.words(refusal.message, **refusal.values))
            for index, refusal in sorted(refused.items())
        ],
    )
