"""What a shop's own site tells of whoever looks at it: products seen, marked, put in the cart (M56).

A browser has an id of its own making. Until we learn whose it is its steps are kept under that id; then they
are that person's, each at its own time. A browser belongs to one person: whoever it was learned of first.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.events import SHOP_STEPS
from domain.operations import linking, naming, resolving
from domain.operations.recording import Happening, record_each
from domain.wording import mark
from models.campaign import TrackedLink
from models.event import Event
from models.member import Identity, Member
from models.programme import the_brand

KIND = "visitor"
VISITOR = re.compile(r"[A-Za-z0-9_-]{16,64}")
SOURCE = "site"
PARAMETER = "rt"  # of an address: what /t.js looks for
# A link in a personal message says who opens it only for so long: it may be passed on.
LINK_NAMES = timedelta(days=30)
# A link that opened in more browsers than anyone has is in more hands than one person's.
BROWSERS_A_LINK = 4
EVENTS: Any = Event.__table__
GIVE = (
    update(EVENTS)
    .where(EVENTS.c.actor_ref == bindparam("actor"), EVENTS.c.member_id.is_(None))
    .values(member_id=bindparam("member"), via_id=bindparam("via"), recorded_at=bindparam("now"))
)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done in a shop: a kind of SHOP_STEPS, and the sku or order it was about."""

    kind: str
    object: str


def actor_of(visitor: str) -> str:
    """How a browser is written in the log."""
    return f"visitor:{visitor}"


def is_ours(session: Session, site: str, origin: str) -> bool:
    """Whether pages of this origin may report under this key; both stand in the programme (`brand: sites:`)."""
    return any(each["key"] == site and origin in each["origins"] for each in the_brand(session).sites)


def is_site(session: Session, url: str) -> bool:
    """Whether an address is a page of one of the shop's own sites."""
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    return any(origin in each["origins"] for each in the_brand(session).sites)


def carrying(session: Session, link: TrackedLink, *, member_id: int | None = None, now: datetime) -> str:
    """Where a link leads. Into a shop of ours it carries who follows it: its own person, or `member_id`, whom the
    door knows; then under a new token, since the link itself is in many hands (M97).
    """
    if not is_site(session, link.url):
        return link.url
    token = link.token if link.member_id is not None and member_id in (None, link.member_id) else None
    if token is None and member_id is not None:
        made = linking.make(
            session, url=link.url, campaign_id=link.campaign_id, message_id=link.message_id, member_id=member_id,
            now=now,
        )  # fmt: skip
        token = made.token
    return _with(link.url, token) if token else link.url


def _with(url: str, token: str) -> str:
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != PARAMETER]
    return urlunsplit(parts._replace(query=urlencode([*query, (PARAMETER, token)])))


def known_origin(session: Session, origin: str) -> bool:
    """Whether pages of this origin may report at all, under whatever key."""
    return any(origin in each["origins"] for each in the_brand(session).sites)


def collect(
    session: Session, *, visitor: str, steps: Sequence[Step], token: str | None = None, now: datetime
) -> int | None:
    """Records what a browser did, as its person's when they are known; returns their id.

    `token`: of the link in a personal message that led here, which says whose browser it is. The same step
    again within a minute is one. Raises Invalid.
    """
    if not VISITOR.fullmatch(visitor):
        raise Invalid(mark("The visitor is not an id: 16 to 64 letters, digits, - or _."))
    for step in steps:
        if step.kind not in SHOP_STEPS:
            raise Invalid(mark("There is no event %(kind)s. Use one of the kinds of the manual."), kind=step.kind)
    if token:
        _recognise(session, visitor, token, now=now)
    record_id = naming.identities(session, [(KIND, visitor)]).get((KIND, visitor))
    member_id = resolving.roots(session, [record_id]).get(record_id) if record_id else None
    for kind in sorted({step.kind for step in steps}):
        happened = [_happening(step, visitor, record_id, member_id, now) for step in steps if step.kind == kind]
        record_each(session, kind, happened, now=now)
    return member_id


def _happening(step: Step, visitor: str, record_id: int | None, member_id: int | None, now: datetime) -> Happening:
    said = f"{visitor}:{step.kind}:{step.object}:{int(now.timestamp() // 60)}"
    once = hashlib.sha256(said.encode()).hexdigest()[:40]  # says nothing of the browser once that is forgotten
    return Happening(
        member_id, now, SOURCE, step.object, {}, f"site:{once}",
        via_id=None if record_id == member_id else record_id, actor_ref=actor_of(visitor),
    )  # fmt: skip


def _recognise(session: Session, visitor: str, token: str, *, now: datetime) -> None:
    """Whoever a personal link was made for is behind this browser, unless the link was passed on."""
    link = session.get(TrackedLink, token)
    if link is None or link.member_id is None or link.created_at < now - LINK_NAMES:
        return
    source = f"link:{token}"
    opened = session.scalars(select(Identity.value).where(Identity.kind == KIND, Identity.source == source)).all()
    if visitor in opened or len(opened) >= BROWSERS_A_LINK:
        return
    person = session.get(Member, link.member_id)
    if person is None or person.erased_at is not None:
        return
    remember(session, [(person.id, visitor)], source=source, now=now)


def link_visitors(session: Session, visitors: Sequence[str], *, now: datetime) -> None:
    """Gives the steps of browsers that are somebody's now to that person.

    They keep when they happened; that they are this person's is learned now (`recorded_at`), so that whatever
    looks for what changed finds them.
    """
    owners = naming.identities(session, [(KIND, each) for each in visitors])
    kept = resolving.roots(session, set(owners.values()))
    given = [
        {
            "actor": actor_of(visitor), "now": now, "member": kept[record_id],
            "via": None if kept[record_id] == record_id else record_id,
        }
        for (_, visitor), record_id in owners.items()
    ]  # fmt: skip
    if given:
        session.connection().execute(GIVE, given)


def remember(session: Session, claims: Sequence[tuple[int, str]], *, source: str, now: datetime) -> None:
    """These records' browsers (record, visitor): what they did before is theirs. Whose browser is known stays so."""
    if claims:
        named = [(record_id, KIND, visitor) for record_id, visitor in claims]
        naming.claim_identities(session, named, source=source, now=now)
        link_visitors(session, [visitor for _, visitor in claims], now=now)
