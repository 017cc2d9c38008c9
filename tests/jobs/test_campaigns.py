"""A campaign that cannot be frozen stops no other, says so on its page, and goes on once it can."""

from typing import Any

import pytest
from sqlalchemy import select

from domain.operations import controlling, drafting, freezing
from jobs import campaigns
from models.campaign import Campaign, CampaignChunk
from models.clock import Clock
from models.programme import the_brand
from tests.support.factories import make_member
from tests.support.world import World

CONTENT = {"text": "Spring tea is here.", "button_label": "See it", "button_url": "/book"}


def approved(world: World, **changes: Any) -> int:
    with world.sessions.writing() as session:
        brand = the_brand(session)
        brand.quiet_from = brand.quiet_until = "03:00"
        now = world.service.clock.now(session)
        campaign = drafting.create(session, name="Spring", now=now)
        changes = {"content": CONTENT, "audience_rule": {}, "holdout_percent": 0, **changes}
        drafting.edit(session, ref=campaign.ref, edit_version=campaign.edit_version, changes=changes, now=now)
        controlling.approve(session, ref=campaign.ref, edit_version=campaign.edit_version, now=now)
        session.commit()
        return campaign.id


def change(world: World, campaign: int, **values: Any) -> None:
    with world.sessions.writing() as session:
        row = session.get_one(Campaign, campaign)
        for name, value in values.items():
            setattr(row, name, value)
        session.commit()


def look(world: World, campaign: int) -> tuple[str, str | None]:
    with world.session() as session:
        row = session.get_one(Campaign, campaign)
        return row.state, row.paused_reason


def test_one_that_fails_stops_no_other(world: World) -> None:
    with world.sessions.writing() as session:
        make_member(session)
        session.commit()
    broken, good = approved(world), approved(world)
    change(world, broken, audience_rule={"no such": "condition"})
    for _ in range(5):
        campaigns.step(world.service)
    assert look(world, broken) == ("approved", freezing.CANNOT)
    assert look(world, good)[0] == "sending"
    change(world, broken, audience_rule={})
    world.service.extra["campaigns_resting"].clear()
    campaigns.step(world.service)
    assert look(world, broken) == ("sending", None)


def test_one_that_a_sender_of_the_version_before_closed_too_soon_goes_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world.sessions.writing() as session:
        for _ in range(3):
            make_member(session)
        session.commit()
    monkeypatch.setitem(freezing.CHUNK, "push", 1)
    monkeypatch.setattr(freezing, "PERSONALISED_AT_A_TIME", 1)
    content = {"text": "Hi {name}", "fallback": {"name": "you"}}
    campaign = approved(world, content=content)
    campaigns.step(world.service)
    change(world, campaign, state="sent", finished_at=Clock().now(world.session()))
    for _ in range(5):
        campaigns.step(world.service)
    assert look(world, campaign)[0] == "sending"
    with world.session() as session:
        assert set(session.scalars(select(CampaignChunk.state))) == {"ready"}
