"""What a campaign's fields and links become for each person: resolved once, when the audience is frozen."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, cast, select, update
from sqlalchemy.orm import Session

from domain.messages import campaign_card
from domain.messages._parts import Json
from domain.operations import linking
from domain.wording import language_of, pick
from models.arithmetic import pairs_of
from models.campaign import Campaign, Recipient
from models.channel import Channel, the_channel
from models.member import Friend, Member
from models.programme import Tier, the_brand
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


def write(session: Session, campaign: Campaign, people: Mapping[int, int], *, now: datetime) -> None:
    """Gives each recipient (recipient id: member id) their values, with links made for them alone."""
    merges = values_of(session, campaign, list(people.values()))
    for number, url in enumerate(targets(the_channel(session), campaign.content), 1):
        tokens = linking.make_many(session, url=url, campaign_id=campaign.id, member_ids=list(merges), now=now)
        for member_id, address in tokens.items():
            merges[member_id][f"link_{number}"] = address
    by_recipient = {recipient_id: merges[member_id] for recipient_id, member_id in people.items()}
    each = pairs_of(by_recipient)
    values = update(Recipient).where(Recipient.id == cast(each.c.key, BigInteger)).values(merge=each.c.value)
    session.execute(values.execution_options(synchronize_session=False))


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
        select(Member.id, Member.name, Member.language, Friend.display_name, Member.tier_id, Store.name.label("store"))
        .outerjoin(Friend, Friend.member_id == Member.id)
        .outerjoin(Store, Store.id == Member.home_store_id)
        .where(Member.id.in_(member_ids))
    )
    tiers = {tier.id: tier.name for tier in session.scalars(select(Tier))}
    found: dict[int, Merge] = {}
    for row in session.execute(people):
        tier = pick(tiers[row.tier_id], language_of(row.language, brand.default_language)) if row.tier_id else ""
        known = {"name": row.name or row.display_name, "tier": tier, "store": row.store}
        found[row.id] = {field: clean(value or "") or clean(fallback.get(field, "")) for field, value in known.items()}
    return found
