"""The review opens every number into its people, and a closed month shows the same for ever."""

import re
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from domain.calendar import Month
from domain.operations import closing
from jobs import rollups
from models.programme import Segment
from tests.support.factories import make_member, make_purchase
from tests.support.journey import happened, local, make_campaign, send
from tests.support.moments import NOW

REVIEW = "/console/review/"
MONTH = "2025-09"


@pytest.fixture
def past(sessions):
    """Buyers of June 2025 of whom some came back; a message and a form in September; closed in October."""
    with sessions.writing() as session:
        session.add(Segment(key="new", name="New faces", rule={}, created_at=NOW))
        at = local(session, date(2025, 9, 10))
        campaign = make_campaign(session, "tea", name="Autumn tea", at=at)
        joined = local(session, date(2025, 5, 1))
        for n in range(60):
            member = make_member(session, name=f"Member {n}", created_at=joined, registered_at=joined)
            make_purchase(session, member, paid_at=local(session, date(2025, 6, 5)), amount=100)
            if n < 24:
                make_purchase(session, member, paid_at=local(session, date(2025, 7, 5)), amount=100)
            send(session, campaign, member, at=at, segments=["new"])
            for name in ("a", "b")[: 1 + n % 2]:
                data = {"type": "form"}
                happened(session, member, "conversion_started", at, object=f"form:{name}", data=data)
            if n < 5:
                happened(session, member, "clicked", at + timedelta(hours=1), campaign_id=campaign.id)
        session.commit()


def close(sessions):
    with sessions.writing() as session:
        assert closing.close(session, Month.parse(MONTH), now=local(session, date(2025, 10, 9)))
        session.commit()


def refs_of(desk, path):
    """Every person of a list, through all its pages."""
    found = []
    while path:
        page = desk.get(path).text
        found += re.findall(r'href="/console/members/(M\w+)"', page)
        more = re.search(r'href="([^"]+)" rel="next"', page)
        path = more and more[1].replace("&amp;", "&")
    return found


@pytest.mark.parametrize("is_closed", [False, True])
def test_the_page_answers_in_sentences_and_opens_into_people(signed_in, sessions, past, is_closed):
    if is_closed:
        close(sessions)
    desk = signed_in("viewer")
    page = desk.get(REVIEW + MONTH).text
    assert "24 of 60 members who bought in June 2025 bought again within 90 days." in page
    assert "5 of 60 messages that reached someone were answered." in page
    assert "between 29 and 53" in page
    assert ("These figures stay as they are" in page) == is_closed
    assert "Autumn tea" in page
    assert "New faces" in page
    people = f"{REVIEW}{MONTH}/repurchase/people"
    assert len(refs_of(desk, f"{people}?side=who")) == 24
    everyone = refs_of(desk, f"{people}?side=of")
    assert len(everyone) == len(set(everyone)) == 60


def test_a_part_and_a_segment_open_too(signed_in, sessions, past):
    close(sessions)
    desk = signed_in("viewer")
    list_of = f"{REVIEW}{MONTH}/segment_engagement/people"
    assert len(refs_of(desk, f"{list_of}?side=who&part=tea&word=new")) == 5
    assert "Autumn tea · New faces" in desk.get(f"{list_of}?side=who&part=tea&word=new").text
    assert refs_of(desk, f"{list_of}?side=who&part=nothing") == []


def test_who_is_counted_twice_is_listed_once_with_the_times(signed_in, past):
    desk = signed_in("viewer")
    page = desk.get(f"{REVIEW}{MONTH}/conversion_completion/people?side=of").text
    assert "90 counted" in page
    assert "60 people" in page
    assert "2 times" in page


def test_a_number_is_cut_by_segment(signed_in, past):
    page = signed_in("viewer").get(f"{REVIEW}{MONTH}/repurchase/segments").text
    assert "New faces" in page
    assert "24 of 60" in page


def test_late_data_is_shown_as_late(signed_in, sessions, past):
    close(sessions)
    with sessions.writing() as session:
        make_purchase(
            session, make_member(session), paid_at=local(session, date(2025, 9, 5)), amount=5, recorded_at=NOW
        )
        session.commit()
    page = signed_in("viewer").get(REVIEW + MONTH).text
    assert "+1 record arrived after closing" in page


def test_silence_puts_its_numbers_in_doubt(signed_in, sessions, past):
    with sessions.writing() as session:
        member = make_member(session)
        for day in range(1, 46):
            for n in range(6):
                at = local(session, date(2025, 8, 1) + timedelta(days=day - 1), 9 + n)
                happened(session, member, "opened_app", at)
        session.commit()
    page = signed_in("viewer").get(REVIEW + MONTH).text
    assert "Recording is in doubt: no openings of the mini-app since 15 September 2025 (16 days)" in page
    assert page.count("In doubt: its recording fell silent") == 2


def test_the_chart_is_a_picture_without_outside_addresses(signed_in, sessions, past):
    close(sessions)
    answer = signed_in("viewer").get(f"{REVIEW}{MONTH}/repurchase.svg")
    assert answer.mimetype == "image/svg+xml"
    drawing = ElementTree.fromstring(answer.text)
    assert drawing.tag.endswith("svg")
    assert "40%" in answer.text
    assert not re.findall(r'(?:href|src)="https?://(?!www\.w3\.org|pygal\.org|kozea)', answer.text)


def test_an_empty_house_still_has_a_review(signed_in):
    desk = signed_in("viewer")
    page = desk.get(REVIEW, follow_redirects=True)
    assert page.status_code == 200
    assert "There was nothing to count in" in page.text
    month = page.request.path.rsplit("/", 1)[-1]
    assert desk.get(f"{REVIEW}{month}/tag_coverage.svg").status_code == 200
    assert "Nobody is counted here" in desk.get(f"{REVIEW}{month}/return/people").text


@pytest.mark.parametrize(
    "path", ["never", "2025-13", "2999-01", f"{MONTH}/nothing/people", f"{MONTH}/return/people?side=x"]
)
def test_what_is_not_there_is_said_plainly(signed_in, path):
    answer = signed_in("viewer").get(REVIEW + path)
    assert answer.status_code == 404
    assert "review" in answer.text


def test_store_staff_have_no_review(signed_in, store):
    assert signed_in("store", store_id=store.id).get(REVIEW + MONTH).status_code == 403


def test_a_large_brand_sees_as_of_when_it_was_counted_and_may_ask_again(signed_in, sessions, past, monkeypatch):
    monkeypatch.setattr(closing, "LARGE", 1)
    desk = signed_in("marketer")
    assert "Counted as of" not in desk.get(REVIEW + "2026-02").text
    rollups.run(sessions, now=NOW, progress=print)
    page = desk.get(REVIEW + "2026-02").text
    assert "Counted as of Tue 10 Mar 12:00" in page
    assert "Count again" not in signed_in("viewer").get(REVIEW + "2026-02").text
    page = desk.post(REVIEW + "2026-02/count", follow_redirects=True).text
    assert "It is being counted again." in page
    assert "Count again" not in page
    rollups.run(sessions, now=NOW + timedelta(minutes=2), progress=print)
    assert "Counted as of Tue 10 Mar 12:02" in desk.get(REVIEW + "2026-02").text
