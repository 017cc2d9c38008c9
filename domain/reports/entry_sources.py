"""What each entry source brought: friends, members, buyers, and what they bought in the last 90 days (M57)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.metrics._people import counts
from models.campaign import Campaign
from models.event import Event
from models.member import Friend, Member
from models.programme import EntrySource
from models.purchase import Purchase

DAYS = 90
COUNTS = ("came", "friends", "members", "buyers")


@dataclass(frozen=True)
class Brought:
    """One source's figures. `came`: everyone whose first source it was; `net_amount` in minor units, of 90 days."""

    source: EntrySource
    came: int
    friends: int
    members: int
    buyers: int
    net_amount: int
    took_part: int | None  # of an event: whoever came by it or was noted there


def brought(session: Session, *, now: datetime) -> list[Brought]:
    """Every source, the one that brought most first."""
    figures = {name: _counted(session, people_of(session, name, now=now)) for name in COUNTS}
    amounts = _amounts(session, now=now)
    took_part = _took_part(session)
    rows = [
        Brought(
            source, figures["came"].get(source.key, 0), figures["friends"].get(source.key, 0),
            figures["members"].get(source.key, 0), figures["buyers"].get(source.key, 0), amounts.get(source.key, 0),
            took_part.get(source.campaign_ref or "", 0) if source.kind == "event" else None,
        )
        for source in session.scalars(select(EntrySource))
    ]  # fmt: skip
    return sorted(rows, key=lambda each: (-each.came, each.source.name))


def people_of(session: Session, count: str, *, now: datetime, key: str | None = None) -> Select[int]:
    """The members a figure counts; with `key` of that source alone. One query for both, so they cannot disagree."""
    people = select(Member.id).where(Member.entry_source.is_not(None), counts())
    if key is not None:
        people = people.where(Member.entry_source == key)
    if count == "friends":
        return people.join(Friend, Friend.member_id == Member.id).where(Friend.is_following.is_(True))
    if count == "members":
        return people.where(Member.registered_at.is_not(None))
    if count == "buyers":
        return people.where(Member.id.in_(select(Purchase.member_id).where(*_lately(session, now=now))))
    return people


def _lately(session: Session, *, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Qualified orders of the last 90 local days, today among them."""
    today = calendar_of(session).day_of(now)
    return Purchase.net_amount > 0, Purchase.day > today - timedelta(days=DAYS), Purchase.day <= today


def _counted(session: Session, people: Select[int]) -> Mapping[str, int]:
    grouped = people.with_only_columns(Member.entry_source, func.count(Member.id.distinct()))
    return {key: n for key, n in session.execute(grouped.group_by(Member.entry_source)) if key is not None}


def _amounts(session: Session, *, now: datetime) -> dict[str, int]:
    query = (
        select(Member.entry_source, func.sum(Purchase.net_amount))
        .join(Purchase, Purchase.member_id == Member.id)
        .where(Member.entry_source.is_not(None), counts(), *_lately(session, now=now))
        .group_by(Member.entry_source)
    )
    return {key: int(amount) for key, amount in session.execute(query) if key is not None}


def _took_part(session: Session) -> dict[str, int]:
    refs = select(EntrySource.campaign_ref).where(EntrySource.campaign_ref.is_not(None))
    query = (
        select(Campaign.ref, func.count(Event.member_id.distinct()))
        .join(Event, Event.campaign_id == Campaign.id)
        .join(Member, Member.id == Event.member_id)
        .where(counts(), Event.kind == "participated", Campaign.ref.in_(refs))
        .group_by(Campaign.ref)
    )
    return dict(session.execute(query).all())
