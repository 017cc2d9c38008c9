"""Engagement with messages on both databases (definitions §4.2)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from domain.reports.judging import against_rest, gap, strength
from tests.support.factories import make_member
from tests.support.journey import figure, happened, local, make_campaign, send, share

SENT = date(2026, 2, 10)


def engagement(session: Session, month: str = "2026-02", *, as_of: date = date(2026, 3, 10)):  # type: ignore[no-untyped-def]  # a Figure; short for tests
    return figure(session, "segment_engagement", month, as_of=local(session, as_of))


def test_EX_03_one_message_three_segments(session: Session) -> None:
    at = local(session, SENT)
    campaign = make_campaign(session, "spring", at=at)
    for segment, reached, engaged in (("A", 40, 18), ("B", 120, 12), ("C", 12, 3)):
        for n in range(reached):
            member = make_member(session)
            send(session, campaign, member, at=at, segments=[segment])
            if n < engaged:
                happened(session, member, "clicked", at + timedelta(hours=1), campaign_id=campaign.id)
    message = engagement(session).parts["spring"]
    assert {key: share(part) for key, part in message.parts.items()} == {"A": (18, 40), "B": (12, 120), "C": (3, 12)}
    assert share(message) == (33, 172)
    widest = gap(message)
    assert widest
    assert (widest.highest, widest.lowest, widest.is_clear) == ("A", "B", True)
    assert [round(x * 100, 1) for x in (widest.difference.value, widest.difference.interval.low)] == [35.0, 19.2]
    assert strength(message.parts["C"]) == "grey"
    compared = against_rest(message)
    assert set(compared) == {"A", "B"}
    assert compared["A"].is_flagged
    assert round(compared["A"].difference.value * 100, 1) == 33.6


def test_what_engages_and_what_does_not(session: Session) -> None:
    at = local(session, SENT)
    campaign, other = make_campaign(session, "spring", at=at), make_campaign(session, "other", at=at)
    doings = {
        "click of this message": ("clicked", 71, campaign.id, 1),
        "claim after 72 hours": ("coupon_claimed", 72.01, campaign.id, 0),
        "exactly 72 hours": ("postback", 72, campaign.id, 1),
        "click of another message": ("clicked", 1, other.id, 0),
        "text within a day": ("texted", 24, None, 1),
        "text after a day": ("texted", 25, None, 0),
        "a visit is no action": ("visited", 1, campaign.id, 0),
        "before it was sent": ("clicked", -1, campaign.id, 0),
    }
    for kind, hours, campaign_id, _ in doings.values():
        member = make_member(session)
        send(session, campaign, member, at=at)
        happened(session, member, kind, at + timedelta(hours=hours), campaign_id=campaign_id)
    assert share(engagement(session)) == (sum(each[3] for each in doings.values()), len(doings))


def test_refusing_is_no_engagement(session: Session) -> None:
    at = local(session, SENT)
    campaign, member = make_campaign(session, "spring", at=at), make_member(session)
    send(session, campaign, member, at=at)
    for kind in ("texted", "refused"):
        happened(session, member, kind, at + timedelta(hours=1))
    assert share(engagement(session)) == (0, 1)


def test_who_counts_as_reached(session: Session) -> None:
    at = local(session, SENT)
    campaign = make_campaign(session, "spring", at=at)
    send(session, campaign, make_member(session), at=at)
    send(session, campaign, make_member(session), at=at, was_reachable=False)
    send(session, campaign, make_member(session), at=at, state="withheld", sent_at=None)
    send(session, campaign, make_member(session, is_staff=True), at=at)
    # Imported sends do not say; the log of follows does.
    send(session, campaign, make_member(session), at=at, was_reachable=None)
    send(session, campaign, make_member(session, friend=False), at=at, was_reachable=None)
    assert share(engagement(session)) == (0, 2)


def test_a_message_counts_once_its_72_hours_have_passed_and_in_its_own_month(session: Session) -> None:
    at = local(session, SENT)
    send(session, make_campaign(session, "spring", at=at), make_member(session), at=at)
    early = engagement(session, as_of=SENT + timedelta(days=2))
    assert (share(early), early.asides["pending"]) == ((0, 0), 1)
    assert share(engagement(session, as_of=SENT + timedelta(days=4))) == (0, 1)
    assert share(engagement(session, "2026-03")) == (0, 0)


def test_two_tags_count_in_both_segments_and_once_in_the_message(session: Session) -> None:
    at = local(session, SENT)
    campaign, member = make_campaign(session, "spring", at=at), make_member(session)
    send(session, campaign, member, at=at, segments=["熟客", "skin"])
    message = engagement(session).parts["spring"]
    assert share(message) == (0, 1)
    assert {key: part.of for key, part in message.parts.items()} == {"熟客": 1, "skin": 1}
