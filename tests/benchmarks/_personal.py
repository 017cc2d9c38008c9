"""A personal campaign over a made-up brand, through the product's own operations: for B3 and B5."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select, text

from domain.operations import controlling, drafting, freezing
from line.rate import bucket_of
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.programme import the_brand
from models.session import Sessions
from tests.benchmarks._crowd import filled

WORDS = {"text": "Hi {name}, spring tea is here.", "fallback": {"name": "friend"}}
CARD = {**WORDS, "title": "Spring", "button_label": "See it", "button_url": "/book"}  # with a link of each one's own


def draft(sessions: Sessions, url: str, members: int, content: dict[str, Any]) -> str:
    """`members` friends, all of whom may be written to, and a draft to everyone; returns its ref."""
    filled(url, people=members)
    now = datetime.now(UTC)
    with sessions.writing() as session:
        session.execute(text("UPDATE member SET marketing_consent = true WHERE NOT marketing_consent"))
        session.execute(text("UPDATE friend SET is_following = true WHERE NOT is_following"))
        brand = the_brand(session)
        brand.quiet_from = brand.quiet_until = "03:00"  # whatever hour it runs at
        campaign = drafting.create(session, name="Spring", now=now)
        changes = {"content": content, "audience_rule": {"all": []}, "holdout_percent": 0}
        drafting.edit(session, ref=campaign.ref, edit_version=campaign.edit_version, changes=changes, now=now)
        assert campaign.how == "push"
        session.commit()
        return campaign.ref


def approve(sessions: Sessions, ref: str) -> None:
    with sessions.writing() as session:
        version = drafting.named(session, ref).edit_version
        controlling.approve(session, ref=ref, edit_version=version, now=datetime.now(UTC))
        session.commit()


def freeze(sessions: Sessions, ref: str) -> None:
    """As the worker would, to the end."""
    goes_on = True
    while goes_on:
        with sessions.writing() as session:
            campaign = drafting.named(session, ref)
            goes_on = freezing.step(session, campaign.id, now=datetime.now(UTC))
            session.commit()


def set_rate(sessions: Sessions, per_second: float) -> None:
    with sessions.writing() as session:
        bucket_of(session, the_channel(session).id, "push").per_second = per_second
        session.commit()


def outcome(sessions: Sessions, ref: str) -> tuple[str, dict[str, int]]:
    """The campaign's state and its recipients by state."""
    with sessions.reading() as session:
        campaign = session.scalars(select(Campaign).where(Campaign.ref == ref)).one()
        states = select(Recipient.state, func.count()).where(Recipient.campaign_id == campaign.id)
        rows = session.execute(states.group_by(Recipient.state)).all()
        return campaign.state, {row[0]: row[1] for row in rows}
