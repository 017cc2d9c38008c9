"""People from files and shops' systems. The file is the shop's own record, so what it says of a person's
phone, e-mail and LINE id is verified, unless it is already another person's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid
from domain.operations import collecting, linking_buyers, merging, naming, proposing, resolving
from domain.operations.befriending import new_ref
from domain.operations.importing_purchases import Loaded, stores_by_key
from domain.operations.purchasing import Outcome
from domain.operations.recording import is_news, note_history
from domain.wording import mark
from models.channel import the_channel
from models.member import Friend, Member
from models.session import insert_for

Name = tuple[str, str]  # kind and value of an identity


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One person as the source wrote them; what is None or empty it does not say."""

    member_ref: str = ""
    line_user_id: str | None = None
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    birth_date: date | None = None
    gender: str | None = None
    joined_at: datetime | None = None
    home_store: str = ""
    language: str | None = None
    marketing_consent: bool | None = None
    custom: Mapping[str, str] = field(default_factory=dict)
    carrier: str | None = None  # of e-invoices
    visitor: str | None = None  # the browser they use in the shop

    def names(self) -> list[Name]:
        """Everything that names this person, besides our own reference."""
        several = (("shop", self.member_ref), ("line", self.line_user_id), ("phone", self.phone), ("email", self.email))
        more = (("carrier", self.carrier), ("visitor", self.visitor))
        return [(kind, value) for kind, value in (*several, *more) if value]


@dataclass
class _Known:
    """Who is known by what, kept up to date while a batch is read."""

    refs: dict[str, int]
    names: dict[Name, int]
    stored: set[Name]
    shop_refs: dict[int, set[str]]
    line_ids: dict[int, str]

    def owners(self, row: MemberRow) -> set[int]:
        found = {self.names[name] for name in row.names() if name in self.names}
        return found | ({self.refs[row.member_ref]} if row.member_ref in self.refs else set())

    def became(self, gone: int, kept: int) -> None:
        """Two of them turned out to be one."""
        self.refs.update({ref: kept for ref, member_id in self.refs.items() if member_id == gone})
        self.names.update({name: kept for name, member_id in self.names.items() if member_id == gone})
        self.shop_refs.setdefault(kept, set()).update(self.shop_refs.pop(gone, set()))
        if gone in self.line_ids:
            self.line_ids.setdefault(kept, self.line_ids.pop(gone))


def import_members(
    session: Session, rows: Sequence[MemberRow], *, source: str, is_history: bool = False, now: datetime
) -> Loaded:
    """Makes or updates the people. A row that would join two people is refused, and staff are asked (I12); a record
    that is nothing but the row's phone or LINE id is joined to the row's person.

    `is_history`: from a file, so that it starts nothing.
    The caller settles the tiers of `member_ids` when all is loaded.
    """
    known = _known(session, rows)
    joined = _join_bare(session, rows, known, now=now)
    _make_newcomers(session, rows, known, source=source, now=now)
    stores = stores_by_key(session, {row.home_store for row in rows})
    people = _States(session, set(known.names.values()) | set(known.refs.values()))
    outcomes: list[Outcome] = []
    claims: list[tuple[int, str, str]] = []
    late: set[int] = set()
    for row in rows:
        try:
            member_id = _owner(row, known)
        except (Invalid, Conflict) as refusal:
            outcomes.append(refusal)
            _ask_staff(session, row, known, now=now)
            continue
        fresh = _fresh_names(row, member_id, known)
        claims += [(member_id, kind, value) for kind, value in fresh]
        changed = people.take(member_id, row, stores.get(row.home_store), now=now)
        outcomes.append("accepted" if fresh or changed else "repeated")
        if (fresh or changed) and (is_history or not is_news(row.joined_at or now, now=now)):
            late.add(member_id)
    naming.claim_identities(session, claims, source=source, now=now)
    people.store(session)
    note_history(session, late, now=now)
    _befriend(session, claims, people, now=now)
    linking_buyers.link_buyers(session, {value: member_id for member_id, _, value in claims}, now=now)
    collecting.link_visitors(session, [value for _, kind, value in claims if kind == collecting.KIND], now=now)
    merging.follow_up(session, joined, now=now)
    return Loaded(outcomes, set(people.touched))


def _known(session: Session, rows: Sequence[MemberRow]) -> _Known:
    records = naming.identities(session, {name for row in rows for name in row.names()})
    refs = naming.find_members(session, {row.member_ref for row in rows})
    kept = resolving.roots(session, set(records.values()))
    names = {name: kept[record_id] for name, record_id in records.items()}
    ids = set(names.values()) | set(refs.values())
    return _Known(refs, names, set(names), naming.shop_refs(session, ids), naming.line_ids(session, ids))


def _join_bare(session: Session, rows: Sequence[MemberRow], known: _Known, *, now: datetime) -> set[int]:
    """Joins records that are only a phone or a LINE id to the people the rows say they are; who was joined."""
    joined: set[int] = set()
    for row in rows:
        owners = known.owners(row)
        if len(owners) != 2:
            continue
        pair = _bare_and_known(session, row, known, owners)
        if pair is not None:
            gone, kept, kind, value = pair
            evidence = {"kind": kind, "value": proposing.masked(kind, value), "source": "import"}
            reason = merging.BY_PHONE if kind == "phone" else merging.BY_LINE
            if kind == "line":  # the LINE account is always kept
                gone, kept = kept, gone
            merging.merge(
                session, kept, gone, staff_id=None, reason=reason, evidence=evidence, follows=False, now=now
            )  # fmt: skip
            known.became(gone.id, kept.id)
            joined.add(kept.id)
    return joined


def _bare_and_known(
    session: Session, row: MemberRow, known: _Known, owners: set[int]
) -> tuple[Member, Member, str, str] | None:
    """The record that is nothing but a name of this row, the other one, and that name."""
    for kind, value in row.names():
        owner = known.names.get((kind, value)) if kind in ("phone", "line") else None
        if owner in owners:
            bare, other = session.get_one(Member, owner), session.get_one(Member, *(owners - {owner}))
            has_own = kind == "line" and merging.has_line(session, other)
            if not has_own and merging.is_bare(session, bare, kind, value):
                return bare, other, kind, value
    return None


def _ask_staff(session: Session, row: MemberRow, known: _Known, *, now: datetime) -> None:
    """A row of one person that names two we know: the shop says they are one, staff decide."""
    owners = known.owners(row)
    if len(owners) != 2:
        return
    for kind, value in row.names():
        if kind != "shop" and (holder := known.names.get((kind, value))) in owners:
            (other,) = owners - {holder}
            proposing.note_clash(session, record_id=other, kind=kind, value=value, now=now)


def _make_newcomers(session: Session, rows: Sequence[MemberRow], known: _Known, *, source: str, now: datetime) -> None:
    """One new person for each row that names nobody known, here or in an earlier row."""
    seen: set[Name] = set()
    firsts: dict[str, list[Name]] = {}
    for row in rows:
        names = row.names()
        if names and not known.owners(row) and seen.isdisjoint(names):
            firsts[row.member_ref or new_ref()] = names
        seen.update(names)
    made = naming.make_people(session, list(firsts), entry_source=source, now=now)
    for names, member_id in zip(firsts.values(), made, strict=True):
        known.names.update(dict.fromkeys(names, member_id))


def _owner(row: MemberRow, known: _Known) -> int:
    """Whose row this is. Raises Conflict when it would join two people, Invalid when it names nobody."""
    if not row.names():
        raise Invalid(mark("Nothing names this person. Fill in member_ref, phone, email or line_user_id."))
    owners = known.owners(row)
    if not owners:
        raise Conflict(
            mark("An earlier line with the same phone, e-mail or LINE id was refused. Correct that one first.")
        )
    if len(owners) > 1:
        raise Conflict(mark("This line names two people we know apart. Join them in the console, or correct the line."))
    (member_id,) = owners
    others = known.shop_refs.get(member_id, set())
    if row.member_ref and row.member_ref not in known.refs and others - {row.member_ref}:
        raise Conflict(
            mark("The phone, e-mail or LINE id is already that of %(other)s. Correct it, or use that member_ref."),
            other=min(others),
        )
    line_id = known.line_ids.get(member_id)
    if row.line_user_id and line_id and line_id != row.line_user_id:
        raise Conflict(mark("This person already has another LINE account. Part the two people, or leave it empty."))
    return member_id


def _fresh_names(row: MemberRow, member_id: int, known: _Known) -> list[Name]:
    """What this person was not known by before."""
    fresh = [
        name for name in row.names() if name not in known.stored and not (name[0] == "shop" and name[1] in known.refs)
    ]
    for kind, value in fresh:
        known.stored.add((kind, value))
        known.names[(kind, value)] = member_id
        if kind == "shop":
            known.shop_refs.setdefault(member_id, set()).add(value)
        if kind == "line":
            known.line_ids[member_id] = value
    return fresh


COLUMNS = (
    "name", "phone", "email", "birth_date", "birth_month", "birth_day", "gender", "language", "home_store_id",
    "created_at", "registered_at", "marketing_consent", "marketing_consent_at", "custom",
)  # fmt: skip


class _States:
    """The people of a batch as they stand, changed row by row, written back at once."""

    def __init__(self, session: Session, ids: set[int]) -> None:
        columns = [getattr(Member, name) for name in COLUMNS]
        query = select(Member.id, *columns).where(Member.id.in_(ids))
        self._people = {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in session.execute(query)}
        self._changed: set[int] = set()
        self.touched: set[int] = set()

    def joined_at(self, member_id: int) -> datetime | None:
        """When this person registered, if they did."""
        moment: datetime | None = self._people[member_id]["registered_at"]
        return moment

    def take(self, member_id: int, row: MemberRow, home_store_id: int | None, *, now: datetime) -> bool:
        """Applies what the row says; False when it was known already."""
        self.touched.add(member_id)
        person = self._people[member_id]
        after = {**person, **_said(row, home_store_id), **_settled(person, row, now=now)}
        if after == person:
            return False
        self._people[member_id] = after
        self._changed.add(member_id)
        return True

    def store(self, session: Session) -> None:
        if self._changed:
            session.execute(update(Member), [{"id": each, **self._people[each]} for each in sorted(self._changed)])


def _said(row: MemberRow, home_store_id: int | None) -> dict[str, Any]:
    """What the file may correct: whatever it says, it says of now."""
    values = {
        "name": row.name, "phone": row.phone, "email": row.email, "gender": row.gender,
        "language": row.language, "home_store_id": home_store_id,
    }  # fmt: skip
    return {name: value for name, value in values.items() if value is not None}


def _settled(person: Mapping[str, Any], row: MemberRow, *, now: datetime) -> dict[str, Any]:
    """What has a time or is set once: registration, consent, the birthday; and the shop's own columns."""
    values: dict[str, Any] = {"custom": {**person["custom"], **row.custom}}
    if row.joined_at is not None:
        values["registered_at"] = min(row.joined_at, person["registered_at"] or row.joined_at)
        values["created_at"] = min(row.joined_at, person["created_at"])
    if row.birth_date is not None and person["birth_date"] is None:
        day = row.birth_date
        values |= {"birth_date": day, "birth_month": day.month, "birth_day": day.day}
    told = row.joined_at or now
    since = person["marketing_consent_at"]
    differs = row.marketing_consent is not None and person["marketing_consent"] != row.marketing_consent
    # Without a time of its own, the file's word never outdates one that has a time.
    if differs and (since is None or (row.joined_at is not None and since < told)):
        values |= {"marketing_consent": row.marketing_consent, "marketing_consent_at": told}
    return values


def _befriend(session: Session, claims: list[tuple[int, str, str]], people: _States, *, now: datetime) -> None:
    """A LINE user id in the file comes from LINE's list of followers: they follow us, until an event says otherwise."""
    channel = the_channel(session)
    rows = [
        {
            "channel_id": channel.id, "member_id": member_id, "user_id": user_id, "is_following": True,
            "state_at": people.joined_at(member_id) or now, "first_followed_at": people.joined_at(member_id) or now,
        }
        for member_id, kind, user_id in claims
        if kind == "line"
    ]  # fmt: skip
    if rows:
        session.execute(insert_for(session)(Friend).on_conflict_do_nothing(), rows)
