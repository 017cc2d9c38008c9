"""Taking part is counted once, and gives the campaign's tag."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import drafting, linking, participating
from models.event import Event
from models.programme import MemberTag
from tests.support.factories import make_member, make_tag
from tests.support.moments import NOW


def test_taking_part_twice_is_once_and_gives_the_tag(session: Session) -> None:
    member, tag = make_member(session), make_tag(session, "spring")
    campaign = drafting.create(session, name="Spring", now=NOW)
    campaign.tag_key = "spring"
    assert participating.take_part(session, member_id=member.id, campaign=campaign, source="console", now=NOW)
    assert not participating.take_part(session, member_id=member.id, campaign=campaign, source="console", now=NOW)
    (row,) = session.scalars(select(MemberTag).where(MemberTag.tag_id == tag.id))
    assert (row.source, row.evidence) == ("campaign", {"campaign": campaign.ref})


def test_a_tap_on_a_campaigns_link_takes_part(session: Session) -> None:
    member = make_member(session)
    make_tag(session, "spring")
    campaign, plain = (drafting.create(session, name="Spring", now=NOW) for _ in range(2))
    campaign.tag_key = "spring"
    for each in (campaign, plain):
        link = linking.make(session, url="https://example.com", campaign_id=each.id, now=NOW)
        linking.follow(session, link.token, member_id=member.id, now=NOW)
    events = session.scalars(select(Event).where(Event.kind == "participated")).all()
    assert [event.campaign_id for event in events] == [campaign.id]
