"""Somebody takes part in a campaign: by answering it, scanning in, or being noted at the event."""

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Invalid
from domain.operations import tagging
from domain.operations.recording import record
from domain.wording import mark
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


def hold(session: Session, campaign: Campaign, *, first: date | None, last: date | None, heads: int) -> None:
    """Says on which days people take part, and how many nobody recognised were counted by hand (definitions §4.5)."""
    if first and last and last < first:
        raise Invalid(mark("Nothing was saved because the last day is before the first. Correct one of them."))
    if heads < 0:
        raise Invalid(mark("Nothing was saved because heads cannot be fewer than none. Correct the number."))
    if heads and first is None:
        raise Invalid(mark("Nothing was saved because heads are counted in a month. Fill in the first day."))
    calendar = calendar_of(session)
    campaign.starts_on = calendar.start(first) if first else None
    campaign.ends_on = calendar.end(last) if last else None
    campaign.anonymous_heads = heads
    session.flush()


def days_of(session: Session, campaign: Campaign) -> tuple[date | None, date | None]:
    """The first and last local day people take part."""
    calendar = calendar_of(session)
    starts, ends = campaign.starts_on, campaign.ends_on
    return (
        calendar.day_of(starts) if starts else None,
        calendar.day_of(ends - timedelta(seconds=1)) if ends else None,
    )
