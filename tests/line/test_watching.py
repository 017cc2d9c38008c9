"""A sender hears of a pause while it holds something, and of the resuming though it holds nothing any more."""

from datetime import UTC, datetime

from line.pacing import Errand
from line.watching import Watch
from models.campaign import Campaign
from models.channel import the_channel
from models.session import Sessions


def test_a_resumed_campaign_is_held_no_more_though_nothing_of_it_is_in_hand(sessions: Sessions) -> None:
    now = datetime.now(UTC)
    with sessions.writing() as session:
        channel = the_channel(session).id
        campaign = Campaign(ref="c", name="C", state="paused", state_at=now, created_at=now, channel_id=channel)
        session.add(campaign)
        session.commit()
        errand = Errand("push", b"{}", None, 0.0, 0.0, campaign.id, lambda answer: None)
        number = campaign.id
    watch = Watch(sessions)
    watch.took(number)
    watch.look()
    assert watch.is_held(errand)
    watch.let_go(number)
    with sessions.writing() as session:
        session.get_one(Campaign, number).state = "sending"
        session.commit()
    watch.look()
    assert not watch.is_held(errand)
