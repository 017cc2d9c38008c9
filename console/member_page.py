"""What stands beside a person's timeline: contacts, tier, tags, coupons, bookings, and why each is so."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from console import member_scores
from console.people import name_of
from domain.operations import hand_tagging, resolving
from domain.reports import card, doubles, points
from domain.reports.timeline import tier_reason
from domain.rules import Because, names_of, sentence
from domain.wording import mark, pick, say
from models.member import Friend, Identity, Member
from models.programme import MemberTag, Tag, TierLine, the_brand
from models.store import Booking, Store

GIVEN_BY = {
    "rule": mark("by its rule"),
    "staff": mark("by staff"),
    "form": mark("by an answer in a form"),
    "campaign": mark("by taking part in a campaign"),
    "import": mark("by an import"),
    "automation": mark("by an automation"),
}


@dataclass(frozen=True)
class WornTag:
    """A tag on a person, with the answer to "why?"."""

    name: str
    since: datetime
    until: datetime | None
    given: str
    rule: str
    reasons: list[str]


def facts(session: Session, member: Member, *, language: str, now: datetime) -> dict[str, Any]:
    """All of it, for the template."""
    friend = session.scalar(select(Friend).where(Friend.member_id == member.id))
    brand = the_brand(session)
    line = session.scalar(
        select(TierLine)
        .where(TierLine.member_id == member.id)
        .order_by(TierLine.at.desc(), TierLine.id.desc())
        .limit(1)
    )
    return {
        "name": name_of(member, friend),
        "friend": friend,
        "joined": doubles.joined_with(session, member),
        "tier": card.tier_of(session, member) if member.is_member else None,
        "tier_line": line,
        "tier_why": tier_reason(line, language, brand.currency) if line else "",
        "next_tier": card.towards_next(session, member, now=now) if member.is_member else None,
        "points": card.points_of(session, member, now=now),
        "access": card.access_of(session, member, now=now),
        "point_lines": points.latest(session, member.id),
        "point_words": lambda line: points.words(line, language),
        "points_once": secrets.token_hex(8),
        "claims": card.live_coupons(session, member, now=now),
        "home_store": session.get(Store, member.home_store_id) if member.home_store_id else None,
        "verified": _verified(session, member),
        "hand_tags": hand_tagging.offered(session),
        "tags": worn_tags(session, member, language=language, now=now),
        "bookings": _coming(session, member, now=now),
        "scores": member_scores.told(session, member, language=language, now=now),
    }


def _verified(session: Session, member: Member) -> set[str]:
    """Values of this person's verified identities, by whichever of their records."""
    mine = select(Identity.value).where(
        Identity.member_id.in_(resolving.below(session, member.id)), Identity.verified_at.is_not(None)
    )
    return set(session.scalars(mine))


def _coming(session: Session, member: Member, *, now: datetime) -> list[tuple[Booking, str]]:
    query = (
        select(Booking, Store.name)
        .join(Store, Store.id == Booking.store_id)
        .where(Booking.member_id == member.id, Booking.state == "confirmed", Booking.ends_at > now)
        .order_by(Booking.starts_at)
    )
    return [(booking, store) for booking, store in session.execute(query)]


def worn_tags(session: Session, member: Member, *, language: str, now: datetime) -> list[WornTag]:
    """Each tag the person has now, with who gave it, its rule in words and what was behind it then."""
    names = names_of(session, language)
    query = (
        select(MemberTag, Tag)
        .join(Tag, Tag.id == MemberTag.tag_id)
        .where(MemberTag.member_id == member.id, MemberTag.removed_at.is_(None))
        .order_by(Tag.key)
    )
    return [
        WornTag(
            name=pick(tag.name, language) or tag.key,
            since=worn.assigned_at,
            until=worn.expires_at,
            given=say(language, GIVEN_BY.get(worn.source, worn.source)),
            rule=sentence(tag.rule, language, names) if tag.rule and worn.source == "rule" else "",
            reasons=[_reason(each, language, names) for each in worn.evidence.get("why", [])],
        )
        for worn, tag in session.execute(query)
        if worn.expires_at is None or worn.expires_at > now
    ]


def _reason(stored: dict[str, Any], language: str, names: Any) -> str:
    """One part of the rule that held, and the rows behind it."""
    because = Because.from_json(stored)
    behind = [
        " ".join(
            filter(None, (str(row.get("what") or ""), str(row.get("object") or ""), str(row.get("at") or "")[:10]))
        )
        for row in because.behind
    ]
    return because.words(language, names) + (f" ({'; '.join(behind)})" if behind else "")
