"""Somebody takes part in a campaign: by answering it, scanning in, or being noted at the event."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import tagging
from domain.operations.recording import record
from models.campaign import Campaign
from models.programme import Tag


def take_part(session: Session, *, member_id: int, campaign: Campaign, source: str, now: datetime) -> bool:
    """Records it once per person and campaign, and gives the campaign's tag; False when it was known already."""
    is_new = record(
        session, "participated", member_id=member_id, source=source, object=campaign.ref, campaign_id=campaign.id,
        dedupe_key=f"participated:{campaign.id}:{member_id}", now=now,
    )  # fmt: skip
    tag = session.scalar(select(Tag).where(Tag.key == campaign.tag_key, Tag.archived_at.is_(None)))
    if is_new and tag is not None:
        evidence = {"campaign": campaign.ref}
        tagging.give(session, [member_id], tag, source="campaign", evidence=evidence, now=now)
    return is_new


def answered(session: Session, *, member_id: int, campaign_id: int | None, now: datetime) -> bool:
    """A tap that came from a send is taking part in it, where the send has a tag for those who do."""
    campaign = session.get(Campaign, campaign_id) if campaign_id else None
    if campaign is None or not campaign.tag_key:
        return False
    return take_part(session, member_id=member_id, campaign=campaign, source="line", now=now)
