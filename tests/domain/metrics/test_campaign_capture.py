"""What a campaign keeps of its participants, on both databases (definitions §4.5)."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from domain.metrics._shape import Figure
from models.automation import Automation, Enrolment
from models.campaign import Campaign
from models.member import Member
from models.programme import Tag
from tests.support.factories import make_member, make_tag
from tests.support.journey import figure, give_tag, happened, local, make_campaign, send, share

DAY = date(2026, 2, 10)


@pytest.fixture
def start(session: Session) -> datetime:
    return local(session, DAY)


@pytest.fixture
def fair(session: Session, start: datetime) -> Campaign:
    return make_campaign(session, "fair", at=start, starts_on=start - timedelta(days=1), frozen_at=None)


@pytest.fixture
def tag(session: Session) -> Tag:
    return make_tag(session, "skincare")


def capture(session: Session, as_of: date = date(2026, 3, 10)) -> Figure:
    return figure(session, "campaign_capture", "2026-02", as_of=local(session, as_of))


def participant(session: Session, campaign: Campaign, at: datetime, **fields: object) -> Member:
    member = make_member(session, **fields)
    happened(session, member, "participated", at, campaign_id=campaign.id)
    return member


def block(session: Session, member: Member, at: datetime) -> None:
    happened(session, member, "unfollowed", at)
    assert member.friend
    member.friend.is_following, member.friend.state_at = False, at


def test_EX_07_a_hundred_known_and_25_anonymous(session: Session, fair: Campaign, start: datetime, tag: Tag) -> None:
    fair.anonymous_heads = 25
    later = start + timedelta(days=2)
    for n in range(100):
        member = participant(session, fair, start)
        if n < 80:
            give_tag(session, member, tag, at=later)
        if 16 <= n < 86:
            happened(session, member, "enrolled", later, object="welcome")
        if n < 18:
            block(session, member, later)
    found = capture(session)
    assert share(found) == (62, 100)
    assert found.asides == {
        "pending": 0, "tagged": 80, "enrolled": 70, "lost_by_block": 2, "without_own_tag": 62, "anonymous": 25,
    }  # fmt: skip
    assert round(found.who / (found.of + found.asides["anonymous"]) * 100, 1) == 49.6
    assert share(found.parts["fair"]) == (62, 100)


@pytest.mark.parametrize(("days", "captured"), [(-1, 0), (0, 1), (7, 1), (7.01, 0)])
def test_both_halves_fall_within_the_persons_own_seven_days(
    session: Session, fair: Campaign, start: datetime, tag: Tag, days: float, captured: int
) -> None:
    member = participant(session, fair, start)
    give_tag(session, member, tag, at=start + timedelta(days=days))
    happened(session, member, "enrolled", start + timedelta(days=days), object="welcome")
    assert share(capture(session)) == (captured, 1)


def test_a_place_in_another_send_is_a_follow_up_and_a_renewed_tag_counts(
    session: Session, fair: Campaign, start: datetime, tag: Tag
) -> None:
    member = participant(session, fair, start)
    soon = start + timedelta(days=3)
    give_tag(session, member, tag, at=start - timedelta(days=60), renewed_at=soon)
    send(session, fair, member, at=soon)
    assert share(capture(session)) == (0, 1)
    send(session, make_campaign(session, "next", at=soon), member, at=soon, arm="held_out", state="held_out")
    assert share(capture(session)) == (1, 1)


def test_the_campaigns_own_tag_counts_only_if_marked_and_never_in_the_stricter_figure(
    session: Session, fair: Campaign, start: datetime
) -> None:
    own = make_tag(session, "was at the fair")
    fair.tag_key = own.key
    member = participant(session, fair, start)
    give_tag(session, member, own, at=start)
    happened(session, member, "enrolled", start, object="welcome")
    found = capture(session)
    assert (share(found), found.asides["without_own_tag"]) == ((1, 1), 0)
    own.counts_for_coverage = False
    session.flush()
    assert share(capture(session)) == (0, 1)


def test_people_count_in_the_month_of_their_first_part(session: Session, fair: Campaign, start: datetime) -> None:
    member = participant(session, fair, start)
    happened(session, member, "participated", start + timedelta(days=25), campaign_id=fair.id)
    participant(session, fair, start - timedelta(days=5))  # before it began
    participant(session, fair, start, is_staff=True)
    assert share(capture(session)) == (0, 1)
    march = figure(session, "campaign_capture", "2026-03", as_of=local(session, date(2026, 4, 9)))
    assert share(march) == (0, 0)


def test_seven_days_that_run_are_pending(session: Session, fair: Campaign, start: datetime) -> None:
    participant(session, fair, start)
    early = capture(session, as_of=DAY + timedelta(days=6))
    assert (share(early), early.asides["pending"]) == ((0, 0), 1)


def test_a_campaign_is_known_by_its_ref_too(session: Session, fair: Campaign, start: datetime) -> None:
    happened(session, make_member(session), "participated", start, object="fair")
    happened(session, make_member(session), "participated", start, object="something unlisted")
    happened(session, None, "participated", start, campaign_id=fair.id)
    found = capture(session)
    assert {key: part.of for key, part in found.parts.items()} == {"fair": 1, "something unlisted": 1}
    assert found.parts["fair"].asides["anonymous"] == 1


def test_whom_an_automation_kept_outside_did_not_enter_a_follow_up(
    session: Session, fair: Campaign, start: datetime, tag: Tag
) -> None:
    later = start + timedelta(days=2)
    row = Automation(key="big", trigger={"on": "rule_holds", "rule": {}}, actions=[])
    session.add(row)
    session.flush()
    for state in ("outside", "waiting"):
        member = participant(session, fair, start)
        give_tag(session, member, tag, at=later)
        session.add(
            Enrolment(
                automation_id=row.id, member_id=member.id, cause=state, state=state, entered_at=later, due_at=later
            )
        )
    session.flush()
    assert share(capture(session)) == (1, 2)
