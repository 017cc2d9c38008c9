"""Brings states up to date with a log that was filled in afterwards: friendship, consent, registration, tags.

Each is a pure reading of all events of the people concerned, so the order of arrival does not matter.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from domain.operations import naming
from domain.operations.tagging import expiry
from models.event import Event
from models.member import Friend, Member
from models.programme import MemberTag, Tag
from models.session import insert_for

Pair = tuple[int, str]  # a person and the key of a tag
PIECE = 1_000


def is_imported() -> ColumnElement[bool]:
    """Whether an event came from a file or another system."""
    return or_(Event.dedupe_key.like("id:%"), Event.dedupe_key.like("line:%"))


@dataclass
class Changed:
    """Whose states may have moved: collected while lines come in, replayed once afterwards."""

    follows: set[int] = field(default_factory=set)
    consents: set[int] = field(default_factory=set)
    registrations: set[int] = field(default_factory=set)
    tags: set[Pair] = field(default_factory=set)

    def note(self, kind: str, member_id: int, about: str | None) -> None:
        """Takes down what an event of this kind may have moved."""
        if kind in ("followed", "unfollowed"):
            self.follows.add(member_id)
        elif kind in ("consented", "refused"):
            self.consents.add(member_id)
        elif kind == "registered":
            self.registrations.add(member_id)
        elif kind in ("tagged", "untagged") and about:
            self.tags.add((member_id, about))

    def add(self, other: "Changed") -> None:
        self.follows |= other.follows
        self.consents |= other.consents
        self.registrations |= other.registrations
        self.tags |= other.tags

    def pieces(self) -> Iterator["Changed"]:
        """The same in pieces of up to PIECE people, each small enough for a transaction."""
        of_tags: dict[int, set[Pair]] = defaultdict(set)
        for pair in self.tags:
            of_tags[pair[0]].add(pair)
        everyone = sorted(self.follows | self.consents | self.registrations | of_tags.keys())
        for part in naming.chunks(everyone, PIECE):
            people = set(part)
            pairs = {pair for member_id in part for pair in of_tags.get(member_id, ())}
            yield Changed(self.follows & people, self.consents & people, self.registrations & people, pairs)


def replay(session: Session, changed: Changed, *, now: datetime) -> None:
    """Brings these people's states up to date with the log."""
    replay_friendship(session, changed.follows)
    replay_consent(session, changed.consents)
    replay_registration(session, changed.registrations)
    replay_tags(session, changed.tags, now=now)


@dataclass(frozen=True, slots=True)
class Happening:
    """An event as far as states follow from it."""

    kind: str
    occurred_at: datetime
    object: str | None
    data: dict[str, Any]
    source: str
    dedupe_key: str | None


def happenings(session: Session, member_ids: Collection[int], kinds: Sequence[str]) -> dict[int, list[Happening]]:
    """The events of these kinds, oldest first, by person."""
    found: dict[int, list[Happening]] = defaultdict(list)
    columns = (Event.kind, Event.occurred_at, Event.object, Event.data, Event.source, Event.dedupe_key)
    for part in naming.chunks(sorted(member_ids)):
        query = select(Event.member_id, *columns).where(Event.member_id.in_(part), Event.kind.in_(kinds))
        for member_id, *told in session.execute(query.order_by(Event.occurred_at, Event.id)):
            found[member_id].append(Happening(*told))
    return found


def replay_friendship(session: Session, member_ids: Collection[int]) -> None:
    """Follow state from the latest follow or unfollow; where they came from, from the first follow."""
    events = happenings(session, member_ids, ("followed", "unfollowed"))
    query = select(Friend.id, Friend.member_id).where(Friend.member_id.in_(events))
    rows = [_friendship(friend_id, events[member_id]) for friend_id, member_id in session.execute(query)]
    if rows:
        session.execute(update(Friend), rows)
    sources = {member_id: _entry_source(several) for member_id, several in events.items()}
    without = select(Member.id).where(Member.id.in_(sources), Member.entry_source.is_(None))
    named = [{"id": each, "entry_source": sources[each]} for each in session.scalars(without) if sources[each]]
    if named:
        session.execute(update(Member), named)


def _friendship(friend_id: int, events: Sequence[Happening]) -> dict[str, Any]:
    latest = events[-1]
    first = next((event.occurred_at for event in events if event.kind == "followed"), None)
    return {
        "id": friend_id,
        "is_following": latest.kind == "followed",
        "state_at": latest.occurred_at,
        "first_followed_at": first,
    }


def _entry_source(events: Iterable[Happening]) -> str | None:
    return next((str(each.data["entry_source"])[:64] for each in events if each.data.get("entry_source")), None)


def replay_consent(session: Session, member_ids: Collection[int]) -> None:
    """The latest word about marketing counts, unless a later one is already on the record."""
    events = happenings(session, member_ids, ("consented", "refused"))
    latest = {
        member_id: words[-1]
        for member_id, several in events.items()
        if (words := [each for each in several if each.data.get("topic") in (None, "", "marketing")])
    }
    query = select(Member.id, Member.marketing_consent_at).where(Member.id.in_(latest))
    rows = [
        {
            "id": member_id,
            "marketing_consent": latest[member_id].kind == "consented",
            "marketing_consent_at": latest[member_id].occurred_at,
        }
        for member_id, since in session.execute(query)
        if since is None or since <= latest[member_id].occurred_at
    ]
    if rows:
        session.execute(update(Member), rows)


def replay_registration(session: Session, member_ids: Collection[int]) -> None:
    """Who registered is a member from then on; a registration we know already stays."""
    events = happenings(session, member_ids, ("registered",))
    query = select(Member.id).where(Member.id.in_(events), Member.registered_at.is_(None))
    rows = [{"id": each, "registered_at": events[each][0].occurred_at} for each in session.scalars(query)]
    if rows:
        session.execute(update(Member), rows)


@dataclass
class Span:
    """A tag on a person from one event to another."""

    given: Happening
    renewed_at: datetime | None = None
    expires_at: datetime | None = None
    removed_at: datetime | None = None


def replay_tags(session: Session, pairs: Collection[Pair], *, now: datetime) -> None:
    """Rebuilds the tag rows that rest on imported events, for these people and tags."""
    if not pairs:
        return
    tags = _tags(session, {key for _, key in pairs if key})
    events = happenings(session, {member_id for member_id, _ in pairs}, ("tagged", "untagged"))
    about: dict[Pair, list[Happening]] = defaultdict(list)
    for member_id, several in events.items():
        for event in several:
            about[(member_id, event.object or "")].append(event)
    ours = _clear(session, pairs, tags)
    rows: list[dict[str, Any]] = []
    for member_id, key in sorted(pairs):
        if key not in tags:
            continue
        for span in spans(about[(member_id, key)], tags[key], now=now):
            if came_in(span.given):
                rows.append(_row(member_id, tags[key], span, ours.get((member_id, key))))
    if rows:
        session.execute(insert_for(session)(MemberTag).on_conflict_do_nothing(), rows)


def spans(events: Iterable[Happening], tag: Tag, *, now: datetime) -> list[Span]:
    """From givings and takings in order of time to the spans in which the tag was held."""
    found: list[Span] = []
    for event in events:
        held = found[-1] if found and found[-1].removed_at is None else None
        if held and held.expires_at and held.expires_at <= event.occurred_at:
            held.removed_at, held = held.expires_at, None
        if event.kind == "untagged":
            if held:
                held.removed_at = event.occurred_at
        elif held:
            held.renewed_at, held.expires_at = event.occurred_at, _ends(event, tag)
        else:
            found.append(Span(event, expires_at=_ends(event, tag)))
    if found and found[-1].removed_at is None and found[-1].expires_at and found[-1].expires_at <= now:
        found[-1].removed_at = found[-1].expires_at
    return found


def _ends(event: Happening, tag: Tag) -> datetime | None:
    written = event.data.get("expires_at")
    if not written:
        return expiry(tag, event.occurred_at)
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        return expiry(tag, event.occurred_at)
    return moment if moment.tzinfo else moment.replace(tzinfo=event.occurred_at.tzinfo)


def came_in(event: Happening) -> bool:
    return (event.dedupe_key or "").startswith(("id:", "line:"))


def _tags(session: Session, keys: set[str]) -> dict[str, Tag]:
    """The tags of these keys; an unknown one is made, as a behaviour."""
    wanted = sorted(key for key in keys if len(key) <= 64)
    known = set(session.scalars(select(Tag.key).where(Tag.key.in_(wanted))))
    missing = [{"key": key, "name": {"en": key}, "life_days": 365} for key in wanted if key not in known]
    if missing:
        session.execute(insert_for(session)(Tag).on_conflict_do_nothing(index_elements=["key"]), missing)
    return {tag.key: tag for tag in session.scalars(select(Tag).where(Tag.key.in_(wanted)))}


def _clear(session: Session, pairs: Collection[Pair], tags: dict[str, Tag]) -> dict[Pair, datetime]:
    """Removes the rows of earlier imports; returns since when our own open rows stand."""
    keys = {tag.id: key for key, tag in tags.items()}
    query = select(MemberTag.id, MemberTag.member_id, MemberTag.tag_id, MemberTag.evidence,
                   MemberTag.assigned_at, MemberTag.removed_at).where(
        MemberTag.member_id.in_({member_id for member_id, _ in pairs}), MemberTag.tag_id.in_(keys)
    )  # fmt: skip
    gone: list[int] = []
    own: dict[Pair, datetime] = {}
    for row in session.execute(query):
        pair = (row.member_id, keys[row.tag_id])
        if pair not in pairs:
            continue
        if row.evidence.get("imported"):
            gone.append(row.id)
        elif row.removed_at is None:
            own[pair] = row.assigned_at
    for part in naming.chunks(gone):
        session.execute(
            delete(MemberTag).where(MemberTag.id.in_(part)), execution_options={"synchronize_session": False}
        )
    return own


def _row(member_id: int, tag: Tag, span: Span, own_since: datetime | None) -> dict[str, Any]:
    removed_at = span.removed_at
    if own_since is not None and removed_at is None:
        removed_at = own_since  # our own row carries on from here
    by_rule = bool(span.given.data.get("rule")) and tag.rule is not None
    return {
        "member_id": member_id,
        "tag_id": tag.id,
        "assigned_at": span.given.occurred_at,
        "renewed_at": span.renewed_at,
        "expires_at": span.expires_at,
        "removed_at": removed_at,
        # Only what the rule gave, the rule takes: an imported tag of a rule is the rule's from now on.
        "source": "rule" if by_rule else "import",
        "rule_version": tag.rule_version if by_rule else None,
        "evidence": {"imported": True, "source": span.given.source},
    }
