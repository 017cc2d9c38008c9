"""Campaigns in the console: written, looked at, approved, watched; and every count opens into its people."""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from domain.operations import freezing
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.clock import Clock
from models.member import Member
from models.programme import Brand
from models.session import Sessions
from models.staff import AuditLine
from tests.support.factories import make_member

FORM = {
    "name": "Spring tea", "text": "Hi {name}, spring tea is here.", "fallback.name": "friend",
    "button_label": "See it", "button_url": "/book", "holdout_percent": "0", "r.join": "all", "r.n": "0",
}  # fmt: skip


def people(sessions: Sessions) -> None:
    with sessions.writing() as session:
        brand = session.scalars(select(Brand)).one()
        brand.quiet_from = brand.quiet_until = "03:00"  # whatever hour the test runs at
        make_member(session, name="Mei")
        make_member(session, name="Rin", marketing_consent=False)
        make_member(session, name=None)
        make_member(session, name="Tess", is_test=True)
        session.commit()


def latest(sessions: Sessions) -> Campaign:
    with sessions.reading() as session:
        return session.scalars(select(Campaign).order_by(Campaign.id.desc())).first()


def drafted(desk: Any, sessions: Sessions, **more: str) -> str:
    desk.post("/console/campaigns/new")
    campaign = latest(sessions)
    answer = desk.post(
        f"/console/campaigns/{campaign.ref}", {**FORM, "edit_version": str(campaign.edit_version), **more}
    )
    assert answer.status_code == 303, answer.text
    return campaign.ref


def version(sessions: Sessions) -> str:
    return str(latest(sessions).edit_version)


def test_from_words_to_the_button_that_says_what_it_does(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    people(sessions)
    desk = signed_in("marketer")
    ref = drafted(desk, sessions)
    page = desk.get(f"/console/campaigns/{ref}").text
    assert "spring tea is here" in page
    dry = desk.get(f"/console/campaigns/{ref}/dry-run").text
    assert "Send to 2 people · NT$ 0" in dry
    assert "have not agreed to marketing" in dry
    assert "Hi Mei, spring tea is here." in dry
    assert "Hi friend, spring tea is here." in dry
    assert "Rin" in desk.get(f"/console/campaigns/{ref}/would/opted_out").text
    gets = desk.get(f"/console/campaigns/{ref}/would/gets").text
    assert "Mei" in gets
    assert "Rin" not in gets
    with sessions.reading() as session:
        assert session.scalars(select(Recipient)).all() == []


def test_approving_freezes_and_the_page_adds_up(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    people(sessions)
    desk = signed_in("marketer")
    ref = drafted(desk, sessions)
    desk.post(f"/console/campaigns/{ref}/approve", {"edit_version": version(sessions)})
    assert latest(sessions).state == "approved"
    with sessions.writing() as session:
        while freezing.step(session, latest(sessions).id, now=Clock().now(session)):
            pass
        session.commit()
    assert latest(sessions).state == "sending"
    page = desk.get(f"/console/sends/{ref}").text
    assert "3 people were addressed" in page
    assert "0 of 2 are through." in page
    assert "Mei" in desk.get(f"/console/sends/{ref}/people/ready").text
    desk.post(f"/console/sends/{ref}/pause")
    assert "Resume the sending" in desk.get(f"/console/sends/{ref}/piece").text
    desk.post(f"/console/sends/{ref}/stop", {"reason": "Wrong price"})
    stopped = desk.get(f"/console/sends/{ref}").text
    assert "Because: Wrong price" in stopped
    assert re.search(r"2</span> stopped before their turn", stopped)
    with sessions.reading() as session:
        actions = set(session.scalars(select(AuditLine.action)))
    assert {"campaign_approved", "campaign_pause", "campaign_stop"} <= actions


def test_a_second_window_is_told(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    people(sessions)
    desk = signed_in("marketer")
    ref = drafted(desk, sessions)
    stale = str(int(version(sessions)) - 1)
    desk.post(
        f"/console/campaigns/{ref}", {**FORM, "name": "Mine", "edit_version": stale}, on=f"/console/campaigns/{ref}"
    )
    assert latest(sessions).name == "Spring tea"
    assert "changed in another window" in desk.get(f"/console/campaigns/{ref}").text


def test_over_the_allowance_needs_a_tick(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    people(sessions)
    with sessions.writing() as session:
        channel = the_channel(session)
        channel.quota_limit, channel.quota_used = 10, 9
        session.commit()
    desk = signed_in("marketer")
    ref = drafted(desk, sessions)
    assert "accept_over_allowance" in desk.get(f"/console/campaigns/{ref}/dry-run").text
    desk.post(f"/console/campaigns/{ref}/approve", {"edit_version": version(sessions)})
    assert latest(sessions).state == "draft"
    desk.post(f"/console/campaigns/{ref}/approve", {"edit_version": version(sessions), "accept_over_allowance": "1"})
    assert latest(sessions).state == "approved"


def test_the_message_is_shown_as_it_is_typed(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    people(sessions)
    desk = signed_in("marketer")
    ref = drafted(desk, sessions)
    found = desk.post(f"/console/campaigns/{ref}/piece", {**FORM, "text": "<script>{name}</script>"}).json
    assert "&lt;script&gt;" in found["phone"]
    assert "<script>" not in found["phone"]
    assert "See it" in found["phone"]


def test_a_test_goes_to_testers_only(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    people(sessions)
    desk = signed_in("marketer")
    ref = drafted(desk, sessions, then="test")
    assert "Sent to 1 testers" in desk.get(f"/console/campaigns/{ref}").text


def test_from_a_segment_in_one_tap(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    people(sessions)
    desk = signed_in("marketer")
    desk.post("/console/segments/save", {"name": "Agreed", "r.join": "all", "r.n": "1", "r-0.c": "consented"})
    desk.post("/console/campaigns/new", {"segment": "agreed"})
    campaign = latest(sessions)
    assert campaign.audience_rule == {"all": [{"condition": "consented"}]}
    assert campaign.compare_segments == ["agreed"]
    started = desk.post(
        f"/console/campaigns/{campaign.ref}/edit", {**FORM, "from_segment": "agreed", "do": "start"}
    ).text
    assert "agreed to marketing" in started


def test_a_viewer_looks_but_does_not_send(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    people(sessions)
    marketer, viewer = signed_in("marketer"), signed_in("viewer")
    ref = drafted(marketer, sessions)
    assert viewer.get("/console/campaigns/").status_code == 200
    assert viewer.get(f"/console/campaigns/{ref}", follow_redirects=True).status_code == 200
    viewer.post(f"/console/campaigns/{ref}/approve", {"edit_version": version(sessions)})
    assert latest(sessions).state == "draft"
    with sessions.reading() as session:
        assert session.scalars(select(Member).where(Member.name == "Mei")).one()


def test_whoever_wrote_it_is_sent_to_a_colleague(signed_in: Callable[..., Any], sessions: Sessions) -> None:
    people(sessions)
    with sessions.writing() as session:
        session.scalars(select(Brand)).one().needs_second_person = True
        session.commit()
    writer, editor, third = (signed_in("marketer", login=name) for name in ("ann", "bo", "cy"))
    ref = drafted(writer, sessions)
    editor.post(f"/console/campaigns/{ref}", {**FORM, "name": "Spring", "edit_version": version(sessions)})
    for desk in (writer, editor):
        assert "A colleague has to approve it" in desk.get(f"/console/campaigns/{ref}/dry-run").text
        desk.post(f"/console/campaigns/{ref}/approve", {"edit_version": version(sessions)})
        assert latest(sessions).state == "draft"
    assert "Send to 2 people" in third.get(f"/console/campaigns/{ref}/dry-run").text
    third.post(f"/console/campaigns/{ref}/approve", {"edit_version": version(sessions)})
    assert latest(sessions).state == "approved"


def test_days_and_heads_of_an_event_are_written_down(desk: Any, add_staff: Any, sessions: Sessions) -> None:
    people(sessions)
    add_staff("marketer")
    desk.sign_in("marketer")
    desk.post("/console/campaigns/new", data={"name": "Tea fair"})
    ref = latest(sessions).ref
    where = f"/console/sends/{ref}/event"
    said = desk.post(where, data={"starts": "2026-02-10", "ends": "2026-02-11", "heads": "25"}, follow_redirects=True)
    assert "The days and heads are saved." in said.text
    assert 'value="2026-02-11"' in said.text
    assert latest(sessions).anonymous_heads == 25
    for wrong in ({"heads": "3"}, {"starts": "2026-02-10", "ends": "2026-02-09"}, {"starts": "soon"}):
        assert "are saved" not in desk.post(where, data=wrong, follow_redirects=True).text
    assert latest(sessions).anonymous_heads == 25
