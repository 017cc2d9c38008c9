"""What Today and Scan share: which store one works in, whose page is open, how contacts are masked."""

import time
from collections.abc import Sequence

from flask import request, session
from sqlalchemy import select

import door
from console import roles
from domain.errors import NotAllowed, NotFound
from domain.operations import resolving
from domain.wording import mark
from models.member import Member
from models.store import Store

# How long a person stays open on a phone after their code was scanned.
OPEN_SECONDS = 15 * 60
KEPT_OPEN = 8


def my_store() -> Store:
    """The store whose counter this is: the only one of store staff, the chosen one of others."""
    found = _own_store() if roles.me().role == "store" else _chosen_store()
    if found is None:
        raise NotFound(mark("There is no store yet. Add one in the programme."))
    return found


def _own_store() -> Store | None:
    return door.session().get(Store, roles.me().store_id) if roles.me().store_id else None


def _chosen_store() -> Store | None:
    stores = stores_to_choose()
    wanted = request.args.get("store") or session.get("store")
    chosen = next((store for store in stores if store.key == wanted), None) or next(iter(stores), None)
    if chosen is not None and request.args.get("store"):
        session["store"] = chosen.key
    return chosen


def stores_to_choose() -> Sequence[Store]:
    """Empty for store staff, who have no choice."""
    if roles.me().role == "store":
        return []
    return door.session().scalars(select(Store).where(Store.is_open).order_by(Store.name)).all()


def store_choices() -> list[tuple[str, str]]:
    """The same as key and name, for a form."""
    return [(store.key, store.name) for store in stores_to_choose()]


def open_person(record: Member) -> Member:
    """Remembers that this phone may look at the person behind `record` for a while, and by which record they came."""
    member = resolving.the_person(door.session(), record)
    held = {ref: until for ref, until in session.get("open", {}).items() if until > time.time()}
    held[member.ref] = time.time() + OPEN_SECONDS
    session["open"] = dict(sorted(held.items(), key=lambda each: each[1])[-KEPT_OPEN:])
    ways = {ref: by for ref, by in session.get("came_by", {}).items() if ref in session["open"]}
    session["came_by"] = {**ways, member.ref: record.ref} if member is not record else ways
    return member


def the_person(ref: str) -> Member:
    """The member `ref`, when their code was scanned here a moment ago (or the asker is a marketer)."""
    is_open = session.get("open", {}).get(ref, 0) > time.time()
    if not is_open and not roles.may("marketer"):
        raise NotAllowed(mark("This page has closed. Scan the member's code again to open it."))
    scanned = session.get("came_by", {}).get(ref, ref)
    for each in (scanned, ref):
        record = door.session().scalar(select(Member).where(Member.ref == each))
        member = resolving.the_person(door.session(), record) if record else None
        # The two may have been parted since.
        if member is not None and member.ref == ref and member.erased_at is None:
            return member
    raise NotFound(mark("There is no such person. Scan the code again."))


def masked_phone(phone: str | None) -> str:
    """Enough to compare with what the member says, not enough to call."""
    return f"•••• {phone[-3:]}" if phone else ""


def masked_email(email: str | None) -> str:
    name, _, host = (email or "").partition("@")
    return f"{name[:1]}•••@{host[:1]}•••" if host else ""
