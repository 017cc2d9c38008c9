"""What a campaign's fields and links become for each person: resolved once, when the audience is frozen."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from domain.messages import campaign_card
from domain.messages._parts import Json, language_for
from domain.operations import linking
from domain.wording import pick
from models.campaign import Campaign, TrackedLink
from models.channel import Channel, the_channel
from models.member import Friend, Member
from models.programme import Brand, Tier, the_brand
from models.store import Store
from models.substitution import clean, fill

Merge = dict[str, str]


def raw_template(session: Session, campaign: Campaign) -> list[Json]:
    """The message as the marketer wrote it, with its fields and link places."""
    return campaign_card.template_of(campaign.content, colour=the_brand(session).colour)


def targets(channel: Channel, content: Mapping[str, Any]) -> list[str]:
    """Where the message's links lead; `/book` is a page of the mini-app."""
    links = campaign_card.links_of(content)
    return [channel.liff_url(link) if link.startswith("/") else link for link in links]


def shared_template(session: Session, campaign: Campaign, *, now: datetime) -> list[Json]:
    """The template everybody gets alike: its links open in the mini-app, where the session knows the person."""
    addresses = {}
    for number, url in enumerate(targets(the_channel(session), campaign.content), 1):
        link = linking.make(session, url=url, campaign_id=campaign.id, now=now)
        addresses[f"link_{number}"] = linking.address_of(session, link)
    filled: list[Json] = fill(raw_template(session, campaign), addresses)
    return filled


def personal_merges(
    session: Session, campaign: Campaign, member_ids: Sequence[int], *, now: datetime
) -> dict[int, Merge]:
    """Each person's values, with links made for them alone."""
    merges = values_of(session, campaign, member_ids)
    channel, rows = the_channel(session), []
    for number, url in enumerate(targets(channel, campaign.content), 1):
        for member_id in member_ids:
            link = {
                "token": secrets.token_urlsafe(linking.TOKEN_BYTES), "url": url, "campaign_id": campaign.id,
                "message_id": None, "member_id": member_id, "created_at": now,
            }  # fmt: skip
            rows.append(link)
            merges[member_id][f"link_{number}"] = linking.address_of(session, TrackedLink(**link))
    if rows:
        session.execute(insert(TrackedLink), rows)
    return merges


def preview(session: Session, campaign: Campaign, member_ids: Sequence[int]) -> dict[int, list[Json]]:
    """What these people would get, without making anything: links show where they lead."""
    template = raw_template(session, campaign)
    links = {f"link_{n}": url for n, url in enumerate(targets(the_channel(session), campaign.content), 1)}
    merges = values_of(session, campaign, member_ids)
    return {member_id: fill(template, {**merges[member_id], **links}) for member_id in member_ids}


def values_of(session: Session, campaign: Campaign, member_ids: Sequence[int]) -> dict[int, Merge]:
    """The personal fields of each, with the fallback where a person has none."""
    brand, fallback = the_brand(session), campaign.content.get("fallback") or {}
    people = (
        select(Member, Friend.display_name, Tier, Store.name)
        .outerjoin(Friend, Friend.member_id == Member.id)
        .outerjoin(Tier, Tier.id == Member.tier_id)
        .outerjoin(Store, Store.id == Member.home_store_id)
        .where(Member.id.in_(member_ids))
    )
    found: dict[int, Merge] = {}
    for member, display_name, tier, store in session.execute(people):
        known = {"name": member.name or display_name, "tier": _tier_words(brand, member, tier), "store": store}
        found[member.id] = {
            field: clean(value or "") or clean(fallback.get(field, "")) for field, value in known.items()
        }
    return found


def _tier_words(brand: Brand, member: Member, tier: Tier | None) -> str:
    return pick(tier.name, language_for(brand, member)) if tier else ""
