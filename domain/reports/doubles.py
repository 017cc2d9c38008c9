"""Two records side by side: what speaks for one person, what each has, and what would go back when they are parted."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from models.event import Event
from models.member import Friend, Identity, Member
from models.merge import Merge, MergeProposal
from models.purchase import Purchase

PAGE = 20


@dataclass(frozen=True)
class Record:
    """One of two records, as staff compare them. Money in minor units."""

    id: int
    ref: str
    name: str | None
    number: str
    phone: str | None
    email: str | None
    birth_date: date | None
    registered_at: datetime | None
    created_at: datetime
    line_name: str | None
    has_line: bool
    follows: bool | None
    names: list[tuple[str, str]]  # kind and value of what names it
    orders: int
    spent: int
    last_order: date | None
    last_seen: date | None


@dataclass(frozen=True)
class Pair:
    """Two records that may be one person; `first` is the one to keep unless staff choose the other."""

    proposal: MergeProposal | None
    first: Record
    second: Record

    @property
    def may_choose(self) -> bool:
        """Whether either could be kept: a record with the LINE account always is, when only one has it."""
        return self.first.has_line == self.second.has_line


@dataclass(frozen=True)
class Joined:
    """An open merge, and how much came by the record that would be given back."""

    merge: Merge
    kept: Member
    gone: Member
    orders: int
    events: int


def count_open(session: Session) -> int:
    """How many pairs wait for staff."""
    return session.scalar(select(func.count()).select_from(MergeProposal).where(*_open())) or 0


def open_pairs(session: Session, *, after: int | None = None) -> list[Pair]:
    """The pairs that wait, the latest first, after the one with this id."""
    query = select(MergeProposal).where(*_open()).order_by(MergeProposal.id.desc()).limit(PAGE)
    if after:
        query = query.where(MergeProposal.id < after)
    proposals = session.scalars(query).all()
    records = records_of(session, {each for row in proposals for each in (row.low_id, row.high_id)})
    return [_pair(row, records[row.low_id], records[row.high_id]) for row in proposals]


def pair_of(session: Session, one: Member, other: Member) -> Pair:
    """Two people staff want to look at, asked about or not."""
    low, high = sorted((one.id, other.id))
    found = select(MergeProposal).where(MergeProposal.low_id == low, MergeProposal.high_id == high)
    records = records_of(session, {low, high})
    return _pair(session.scalar(found), records[low], records[high])


def _open() -> tuple[ColumnElement[bool], ...]:
    """Asked and not answered, between two who are still there."""
    gone = select(Member.id).where(
        Member.id.in_((MergeProposal.low_id, MergeProposal.high_id)),
        or_(Member.merged_into_id.is_not(None), Member.erased_at.is_not(None)),
    )
    return MergeProposal.state == "open", ~gone.correlate(MergeProposal).exists()


def _pair(proposal: MergeProposal | None, one: Record, other: Record) -> Pair:
    first, second = sorted((one, other), key=_weight, reverse=True)
    return Pair(proposal, first, second)


def _weight(record: Record) -> tuple[bool, bool, int, int]:
    return record.has_line, record.registered_at is not None, record.orders, -record.id


def records_of(session: Session, member_ids: Collection[int]) -> dict[int, Record]:
    """These records with what staff compare them by; set-based."""
    ids = sorted(member_ids)
    friends = {each.member_id: each for each in session.scalars(select(Friend).where(Friend.member_id.in_(ids)))}
    names: dict[int, list[tuple[str, str]]] = {each: [] for each in ids}
    for each in session.scalars(select(Identity).where(Identity.member_id.in_(ids)).order_by(Identity.id)):
        names[each.member_id].append((each.kind, each.value))
    orders = _orders(session, ids)
    seen = select(Event.member_id, func.max(Event.day)).where(Event.member_id.in_(ids)).group_by(Event.member_id)
    last_seen = dict(session.execute(seen).all())
    return {
        member.id: _record(member, friends.get(member.id), names[member.id], orders.get(member.id), last_seen)
        for member in session.scalars(select(Member).where(Member.id.in_(ids)))
    }


Bought = tuple[int, int, date]


def _orders(session: Session, ids: Sequence[int]) -> dict[int | None, Bought]:
    """Of each buyer how many orders, for how much, and the day of the last."""
    query = (
        select(Purchase.member_id, func.count(), func.sum(Purchase.net_amount), func.max(Purchase.day))
        .where(Purchase.member_id.in_(ids), Purchase.net_amount > 0)
        .group_by(Purchase.member_id)
    )
    return {member_id: (count, int(spent), last) for member_id, count, spent, last in session.execute(query)}


def _record(
    member: Member,
    friend: Friend | None,
    names: list[tuple[str, str]],
    bought: Bought | None,
    last_seen: dict[int | None, date],
) -> Record:
    count, spent, last_order = bought or (0, 0, None)
    return Record(
        id=member.id, ref=member.ref, name=member.name, number=member.number, phone=member.phone, email=member.email,
        birth_date=member.birth_date, registered_at=member.registered_at, created_at=member.created_at,
        line_name=friend.display_name if friend else None, follows=friend.is_following if friend else None,
        has_line=friend is not None or any(kind == "line" for kind, _ in names),
        names=[each for each in names if each[0] != "line"], orders=count, spent=spent, last_order=last_order,
        last_seen=max(filter(None, (last_order, last_seen.get(member.id))), default=None),
    )  # fmt: skip


def joined(session: Session, *, after: int | None = None) -> list[Joined]:
    """The open merges, the latest first, after the one with this id."""
    query = select(Merge).where(Merge.undone_at.is_(None)).order_by(Merge.id.desc()).limit(PAGE)
    return _told(session, session.scalars(query.where(Merge.id < after) if after else query).all())


def joined_with(session: Session, member: Member) -> list[Joined]:
    """The open merges this record takes part in."""
    part = or_(Merge.kept_id == member.id, Merge.gone_id == member.id)
    query = select(Merge).where(part, Merge.undone_at.is_(None)).order_by(Merge.id.desc())
    return _told(session, session.scalars(query.limit(PAGE)).all())


def _told(session: Session, merges: Sequence[Merge]) -> list[Joined]:
    gone_ids = [each.gone_id for each in merges]
    orders = _through(session, Purchase, gone_ids)
    events = _through(session, Event, gone_ids)
    kept, gone = aliased(Member), aliased(Member)
    query = (
        select(Merge.id, kept, gone)
        .join(kept, kept.id == Merge.kept_id)
        .join(gone, gone.id == Merge.gone_id)
        .where(Merge.id.in_([each.id for each in merges]))
    )
    people = {id: (one, other) for id, one, other in session.execute(query)}
    return [Joined(each, *people[each.id], orders[each.gone_id], events[each.gone_id]) for each in merges]


def _through(session: Session, model: type[Purchase] | type[Event], gone_ids: Sequence[int]) -> Counter[int | None]:
    """How many rows came by each of these records."""
    query = select(model.via_id, func.count()).where(model.via_id.in_(gone_ids)).group_by(model.via_id)
    if model is Purchase:  # found by whose they are now: orders have no index by where they came from
        kept = select(Merge.kept_id).where(Merge.gone_id.in_(gone_ids), Merge.undone_at.is_(None))
        query = query.where(Purchase.member_id.in_(kept))
    return Counter(dict(session.execute(query).all()))
