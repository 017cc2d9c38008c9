"""Whom a campaign addresses and what becomes of each: the one decision behind dry run, approval and freezing.

The hold-out is drawn first, from everyone addressed; then the rules of contact keep people back.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, func, literal, null, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.capping import over_cap
from domain.operations.holding_out import is_held_out
from domain.operations.segmenting import people_in
from domain.operations.speaking import out_of_quiet_hours
from domain.rules import compile_rule, context_of
from models.campaign import Campaign
from models.member import Friend, Member
from models.programme import Brand, Segment, the_brand


@dataclass(frozen=True)
class Fate:
    """One person of the audience: gets it (None), is held out, or is kept back for a reason."""

    member_id: int
    outcome: str | None


def starts_at(session: Session, campaign: Campaign, *, now: datetime) -> datetime:
    """When it starts, or would start if approved now: never in quiet hours."""
    wish = max(campaign.scheduled_at or now, now)
    return out_of_quiet_hours(the_brand(session), calendar_of(session), wish, kind="marketing", now=now)


def fates(session: Session, campaign: Campaign, *, now: datetime, after: int = 0) -> Iterator[Fate]:
    """Everyone addressed, by member id. No side effects."""
    salt = the_brand(session).salt
    query = audience(session, campaign, now=now).where(Member.id > after).order_by(Member.id)
    for member_id, reason in session.execute(query).yield_per(5000):
        held = is_held_out(member_id, programme=campaign.ref, salt=salt, percent=campaign.holdout_percent)
        yield Fate(member_id, "held_out" if held else reason)


def audience(session: Session, campaign: Campaign, *, now: datetime) -> Select[int, str | None]:
    """(member id, why they may not be written to): the audience of this moment, hold-out not yet drawn."""
    at = starts_at(session, campaign, now=now)
    ids = people_in(campaign.audience_rule, context_of(session, now))
    return (
        select(Member.id, contact_refusal(the_brand(session), at=at, besides=campaign.id).label("reason"))
        .outerjoin(Friend, Friend.member_id == Member.id)
        .where(Member.id.in_(ids))
    )


def contact_refusal(brand: Brand, *, at: datetime, besides: int | None = None) -> ColumnElement[str | None]:
    """`speaking.contact_refusal` for marketing, as SQL over Member and Friend: one answer for all at once."""
    return case(
        (Member.erased_at.is_not(None), "erased"),
        (Friend.id.is_(None), "no_line_id"),
        (Friend.is_following.is_(False), "blocked"),
        (func.coalesce(Member.marketing_consent, False).is_(False), "opted_out"),
        (over_cap(brand, at=at, besides=besides), "cap"),
        else_=cast(null(), String),
    )


def segments_json(session: Session, campaign: Campaign, *, now: datetime) -> ColumnElement[Any]:
    """The keys of the compared segments each person is in, as a JSON array made by the database."""
    context = context_of(session, now)
    chosen = session.scalars(select(Segment).where(Segment.key.in_(campaign.compare_segments)).order_by(Segment.key))
    words: ColumnElement[str] = literal("")
    for segment in chosen:
        words = words.concat(case((compile_rule(segment.rule, context), f"{json.dumps(segment.key)},"), else_=""))
    return as_json(session, literal("[").concat(func.rtrim(words, ",")).concat("]"))


def as_json(session: Session, words: ColumnElement[str]) -> ColumnElement[Any]:
    """JSON text as the JSON column of the database in use: SQLite keeps it as the text it is."""
    return cast(words, JSONB) if session.get_bind().dialect.name == "postgresql" else words
