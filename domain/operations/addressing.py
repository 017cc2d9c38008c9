"""Whom a campaign addresses and what becomes of each: the one decision behind dry run, approval and freezing.

The hold-out is drawn first, from everyone addressed; then the rules of contact keep people back.
"""

import json
from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, case, cast, func, literal, null, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.capping import over_cap
from domain.operations.holding_out import held_out
from domain.operations.segmenting import people_in
from domain.operations.speaking import out_of_quiet_hours
from domain.rules import compile_rule, context_of
from models.arithmetic import as_json
from models.campaign import Campaign
from models.member import Friend, Member
from models.programme import Brand, Segment, the_brand
from models.staff import care_is_open


def starts_at(session: Session, campaign: Campaign, *, now: datetime) -> datetime:
    """When it starts, or would start if approved now: never in quiet hours."""
    wish = max(campaign.scheduled_at or now, now)
    return out_of_quiet_hours(the_brand(session), calendar_of(session), wish, kind="marketing", now=now)


def audience(session: Session, campaign: Campaign, *, now: datetime) -> Select[int, str | None]:
    """Everyone addressed at this moment: (id, outcome), where outcome says why they get nothing, or is NULL."""
    at, brand = starts_at(session, campaign, now=now), the_brand(session)
    held = held_out(Member.id, programme=campaign.ref, salt=brand.salt, percent=campaign.holdout_percent)
    refusal = contact_refusal(brand, at=at, besides=campaign.id)
    people = people_in(campaign.audience_rule, context_of(session, now))
    return people.outerjoin(Friend, Friend.member_id == Member.id).with_only_columns(
        Member.id, case((held, "held_out"), else_=refusal).label("outcome")
    )


def contact_refusal(
    brand: Brand, *, at: datetime, besides: int | None = None, member_ids: Collection[int] | None = None
) -> ColumnElement[str | None]:
    """`speaking.contact_refusal` for marketing, as SQL over Member and Friend: one answer for all at once."""
    return case(
        (Member.erased_at.is_not(None), "erased"),
        (Friend.id.is_(None), "no_line_id"),
        (Friend.is_following.is_(False), "blocked"),
        (func.coalesce(Member.marketing_consent, False).is_(False), "opted_out"),
        (care_is_open(Member.id), "care_open"),
        (over_cap(brand, at=at, besides=besides, member_ids=member_ids), "cap"),
        else_=cast(null(), String),
    )


def segments_json(session: Session, campaign: Campaign, *, now: datetime) -> ColumnElement[Any]:
    """The keys of the compared segments each person is in, as a JSON array made by the database."""
    context = context_of(session, now)
    chosen = session.scalars(select(Segment).where(Segment.key.in_(campaign.compare_segments)).order_by(Segment.key))
    words: ColumnElement[str] = literal("")
    for segment in chosen:
        words = words.concat(case((compile_rule(segment.rule, context), f"{json.dumps(segment.key)},"), else_=""))
    return as_json(literal("[").concat(func.rtrim(words, ",")).concat("]"))
