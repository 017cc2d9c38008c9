"""A campaign from draft to frozen: dry run, freezing and outcome are the same people; nobody is lost in silence."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Integer, func, literal_column, select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid
from domain.messages._parts import Rendered
from domain.operations import addressing, controlling, drafting, dry_running, freezing, segmenting, speaking
from domain.operations.holding_out import held_out, is_held_out
from line.settling import settle
from models.campaign import Campaign, CampaignChunk, Recipient, TrackedLink
from models.channel import the_channel
from models.member import Friend, Member
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.substitution import fill
from tests.support.factories import make_member
from tests.support.moments import NOW

EVERYONE: dict[str, Any] = {}
CONTENT = {"text": "Spring tea is here.", "button_label": "See it", "button_url": "/book"}


def make_campaign(session: Session, **changes: Any) -> Campaign:
    campaign = drafting.create(session, name="Spring", now=NOW)
    values = {"content": CONTENT, "audience_rule": EVERYONE, "holdout_percent": 0, **changes}
    return drafting.edit(session, ref=campaign.ref, edit_version=campaign.edit_version, changes=values, now=NOW)


def approve(session: Session, campaign: Campaign, **more: Any) -> None:
    controlling.approve(session, ref=campaign.ref, edit_version=campaign.edit_version, now=NOW, **more)


def freeze(session: Session, campaign: Campaign, *, now: Any = NOW) -> None:
    while freezing.step(session, campaign.id, now=now):
        pass
    session.expire_all()


def recipients(session: Session, campaign: Campaign) -> list[Recipient]:
    return list(session.scalars(select(Recipient).where(Recipient.campaign_id == campaign.id).order_by(Recipient.id)))


def outcomes(session: Session, campaign: Campaign) -> Counter[str]:
    return Counter(row.reason if row.state == "withheld" else row.state for row in recipients(session, campaign))


def make_crowd(session: Session, size: int = 30) -> None:
    """Some of everybody: reachable, blocked, without LINE, opted out, never asked, written to often."""
    other = Campaign(
        ref="other", name="Other", state="sent", state_at=NOW, created_at=NOW, channel_id=the_channel(session).id
    )
    session.add(other)
    session.flush()
    for n in range(size):
        member = make_member(session, friend=n % 7 != 3, marketing_consent=[True, True, False, True, None][n % 5])
        if n % 6 == 1 and member.friend:
            member.friend.is_following = False
        for sent in range(3 if n % 4 == 2 else 0):
            row = Recipient(
                campaign_id=other.id,
                member_id=member.id,
                occasion=str(sent),
                state="sent",
                due_at=NOW,
                sent_at=NOW - timedelta(days=sent + 1),
            )
            session.add(row)
    make_member(session, is_test=True)
    make_member(session, erased_at=NOW)
    session.flush()


def test_the_dry_run_is_what_happens(session: Session) -> None:
    make_crowd(session, 150)
    campaign = make_campaign(session, holdout_percent=20)
    foreseen = dry_running.dry_run(session, campaign, now=NOW)
    assert outcomes(session, campaign) == Counter()
    approve(session, campaign)
    freeze(session, campaign)
    happened = outcomes(session, campaign)
    assert happened.pop("ready") == foreseen.gets > 0
    assert happened == Counter(foreseen.reasons)
    assert set(happened) == {"held_out", "no_line_id", "blocked", "opted_out", "cap"}
    assert foreseen.audience == len(recipients(session, campaign)) == 150
    assert session.get_one(Campaign, campaign.id).state == "sending"


def test_the_people_behind_each_reason_are_the_people_counted(session: Session) -> None:
    make_crowd(session)
    campaign = make_campaign(session, holdout_percent=20)
    foreseen = dry_running.dry_run(session, campaign, now=NOW)
    for reason, count in foreseen.reasons.items():
        assert len(dry_running.people(session, campaign, reason, now=NOW)) == count
    got = dry_running.people(session, campaign, None, now=NOW, limit=5)
    rest = dry_running.people(session, campaign, None, now=NOW, after=got[-1])
    assert len(got) + len(rest) == foreseen.gets
    assert [sample.member_id for sample in foreseen.samples] == list(got)


def test_one_at_a_time_and_all_at_once_agree_on_whom_we_may_write_to(session: Session) -> None:
    make_crowd(session, 60)
    message = {
        "channel_id": 1,
        "to": "U",
        "kind": "marketing",
        "name": "x",
        "messages": [],
        "created_at": NOW,
        "due_at": NOW,
        "retry_key": "k",
    }
    busy = session.scalars(select(Member.id).where(Member.friend.has(Friend.is_following)).limit(3)).all()
    for member_id in busy:
        for n in range(3):
            values = {**message, "channel_id": the_channel(session).id}
            session.add(OutgoingMessage(member_id=member_id, once=f"{member_id}:{n}", **values))
    session.flush()
    query = select(Member, addressing.contact_refusal(the_brand(session), at=NOW)).outerjoin(
        Friend, Friend.member_id == Member.id
    )
    rows = session.execute(query).all()
    for member, reason in rows:
        assert reason == speaking.contact_refusal(session, member, kind="marketing", now=NOW), member.id
    assert {None, "no_line_id", "blocked", "opted_out", "cap", "erased"} == {reason for _, reason in rows}


def test_the_hold_out_is_the_same_people_every_time(session: Session) -> None:
    for _ in range(200):
        make_member(session)
    campaign = make_campaign(session, holdout_percent=10)
    approve(session, campaign)
    freeze(session, campaign)
    held = {row.member_id for row in recipients(session, campaign) if row.arm == "held_out"}
    salt = the_brand(session).salt
    assert held == {
        row.member_id for row in recipients(session, campaign)
        if is_held_out(row.member_id, programme=campaign.ref, salt=salt, percent=10)
    }  # fmt: skip
    assert 5 <= len(held) <= 40
    assert all(row.chunk_no is None for row in recipients(session, campaign) if row.arm == "held_out")


def test_chunks_hold_everyone_who_is_ready_once(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(freezing.CHUNK, "multicast", 7)
    make_crowd(session, 40)
    campaign = make_campaign(session)
    approve(session, campaign)
    freeze(session, campaign)
    chunks = session.scalars(select(CampaignChunk).where(CampaignChunk.campaign_id == campaign.id)).all()
    ready = Counter(row.chunk_no for row in recipients(session, campaign) if row.state == "ready")
    assert {chunk.no: chunk.size for chunk in chunks} == dict(ready)
    assert max(ready.values()) <= 7
    assert None not in ready


def test_segments_are_frozen_with_each_person(session: Session) -> None:
    ja, th = make_member(session, language="ja"), make_member(session, language="th")
    for key, language in (("Japanese", "ja"), ("Thai", "th")):
        segmenting.save(session, name=key, rule={"condition": "language_is", "languages": [language]}, now=NOW)
    segmenting.save(session, name="All", rule={}, now=NOW)
    campaign = make_campaign(session, compare_segments=["japanese", "thai", "all"])
    approve(session, campaign)
    freeze(session, campaign)
    assert {row.member_id: sorted(row.segments) for row in recipients(session, campaign)} == {
        ja.id: ["all", "japanese"], th.id: ["all", "thai"],
    }  # fmt: skip


def test_one_body_for_all_carries_a_link_of_the_mini_app(session: Session) -> None:
    make_member(session)
    campaign = make_campaign(session)
    approve(session, campaign)
    freeze(session, campaign)
    (link,) = session.scalars(select(TrackedLink).where(TrackedLink.campaign_id == campaign.id))
    assert link.member_id is None
    channel = the_channel(session)
    frozen = session.get_one(Campaign, campaign.id)
    assert frozen.how == "multicast"
    assert channel.liff_url(f"/t/{link.token}") in json.dumps(frozen.template)
    assert "{" not in frozen.template[0]["altText"]


def test_personal_words_make_a_request_and_a_link_for_each(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(freezing.CHUNK, "push", 2)
    names = ["Mei", None, '"},{"type":"x"}', "{link_1}", "王\n小明"]
    members = [make_member(session, name=name) for name in names]
    content = {"text": "{name}, read https://example.com/a and https://example.com/ab", "fallback": {"name": "friend"}}
    campaign = make_campaign(session, content=content)
    assert campaign.how == "push"
    approve(session, campaign)
    freeze(session, campaign)
    rows = {row.member_id: row for row in recipients(session, campaign)}
    template = session.get_one(Campaign, campaign.id).template
    bodies = [fill(template, rows[member.id].merge) for member in members]
    assert [body[0]["text"].split(",")[0] for body in bodies[:2]] == ["Mei", "friend"]
    assert bodies[3][0]["text"].startswith("{link_1},")
    assert bodies[4][0]["text"].startswith("王 小明,")
    assert all(len(body) == 1 and set(body[0]) == {"type", "text"} for body in bodies)
    links = session.scalars(select(TrackedLink).where(TrackedLink.campaign_id == campaign.id)).all()
    assert Counter(link.member_id for link in links) == Counter({member.id: 2 for member in members})
    assert all(f"/t/{link.token}" in json.dumps(rows[link.member_id].merge) for link in links)
    assert (
        session.scalar(select(func.count()).select_from(CampaignChunk).where(CampaignChunk.campaign_id == campaign.id))
        == 3
    )


def test_freezing_cut_off_anywhere_goes_on_where_it_was(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(freezing.CHUNK, "push", 2)
    monkeypatch.setattr(freezing, "PERSONALISED_AT_A_TIME", 1)
    for _ in range(7):
        make_member(session)
    campaign = make_campaign(session, content={"text": "Hi {name}", "fallback": {"name": "you"}})
    approve(session, campaign)
    steps = 0
    while True:
        session.expire_all()
        with session.begin_nested() as savepoint:  # a worker that dies before its commit
            freezing.step(session, campaign.id, now=NOW)
            savepoint.rollback()
        session.expire_all()
        if not freezing.step(session, campaign.id, now=NOW):
            break
        steps += 1
    assert steps == 4
    rows = recipients(session, campaign)
    assert len(rows) == 7
    assert all(row.merge["name"].startswith("Member") for row in rows)


def test_a_personal_campaign_leaves_while_the_rest_is_still_being_written(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(freezing.CHUNK, "push", 2)
    monkeypatch.setattr(freezing, "PERSONALISED_AT_A_TIME", 1)
    for _ in range(5):
        make_member(session)
    campaign = make_campaign(session, content={"text": "Hi {name}", "fallback": {"name": "you"}})
    approve(session, campaign)
    freezing.step(session, campaign.id, now=NOW)
    session.expire_all()
    chunks = session.scalars(select(CampaignChunk).order_by(CampaignChunk.no)).all()
    assert [chunk.state for chunk in chunks] == ["ready", "waiting", "waiting"]
    assert session.get_one(Campaign, campaign.id).state == "sending"
    assert [bool(row.merge) for row in recipients(session, campaign)] == [True, True, False, False, False]
    assert freezing.due(session, now=NOW) == [campaign.id]
    controlling.stop(session, ref=campaign.ref, reason="", now=NOW)
    settle(session, NOW)
    assert outcomes(session, campaign) == {"stopped": 5}
    assert freezing.due(session, now=NOW) == []


def test_a_chunk_is_a_run_of_members(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(freezing.CHUNK, "multicast", 7)
    make_crowd(session, 60)
    campaign = make_campaign(session, holdout_percent=20)
    approve(session, campaign)
    freeze(session, campaign)
    chunks = session.scalars(select(CampaignChunk).order_by(CampaignChunk.no)).all()
    rows = [row for row in recipients(session, campaign) if row.state == "ready"]
    for chunk in chunks:
        assert chunk.first_member_id is not None
        assert chunk.last_member_id is not None
        inside = [row for row in rows if chunk.first_member_id <= row.member_id <= chunk.last_member_id]
        assert {row.chunk_no for row in inside} == {chunk.no}
        assert len(inside) == chunk.size
    assert sum(chunk.size for chunk in chunks) == len(rows)


def test_the_hold_out_is_drawn_alike_in_python_and_in_sql(session: Session) -> None:
    ids = (
        select(literal_column("value", Integer))
        .select_from(
            func.json_each(json.dumps(list(range(1, 10_001))))
            if session.get_bind().dialect.name == "sqlite"
            else func.generate_series(1, 10_000).table_valued("value", name="number").render_derived()
        )
        .subquery()
    )
    for percent in (0, 7, 50, 100):
        drawn = held_out(ids.c.value, programme="spring", salt="pepper", percent=percent)
        in_sql = set(session.scalars(select(ids.c.value).where(drawn)))
        in_python = {n for n in range(1, 10_001) if is_held_out(n, programme="spring", salt="pepper", percent=percent)}
        assert in_sql == in_python
        assert abs(len(in_python) - percent * 100) < 150


def test_two_windows_cannot_overwrite_each_other(session: Session) -> None:
    campaign = make_campaign(session)
    read = campaign.edit_version
    drafting.edit(session, ref=campaign.ref, edit_version=read, changes={"name": "First"}, now=NOW)
    with pytest.raises(Conflict) as refusal:
        drafting.edit(session, ref=campaign.ref, edit_version=read, changes={"name": "Second"}, now=NOW)
    assert refusal.value.code == "changed_meanwhile"
    with pytest.raises(Conflict):
        controlling.approve(session, ref=campaign.ref, edit_version=read, now=NOW)


def test_what_is_not_a_draft_cannot_be_changed(session: Session) -> None:
    make_member(session)
    campaign = make_campaign(session)
    approve(session, campaign)
    with pytest.raises(Conflict) as refusal:
        drafting.edit(session, ref=campaign.ref, edit_version=campaign.edit_version, changes={"name": "x"}, now=NOW)
    assert refusal.value.code == "not_a_draft"
    assert controlling.take_back(session, ref=campaign.ref, now=NOW).state == "draft"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"text": ""}, "no_text"),
        ({"text": "x" * 2001}, "too_long"),
        ({"text": "x", "button_label": "Go"}, "half_button"),
        ({"text": "x", "button_label": "Go", "button_url": "javascript:alert(1)"}, "bad_url"),
        ({"text": "x", "button_label": "Go", "button_url": "//evil.example"}, "bad_url"),
        ({"text": "x", "image_url": "http://example.com/a.png"}, "bad_url"),
        ({"text": "Hi {name}"}, "no_fallback"),
        ({"text": "Hi {nmae}", "fallback": {"name": "x"}}, "unknown_field"),
    ],
)
def test_a_message_that_cannot_be_sent_is_not_approved(session: Session, content: dict[str, Any], code: str) -> None:
    make_member(session)
    campaign = make_campaign(session, content=content)
    with pytest.raises(Invalid) as refusal:
        approve(session, campaign)
    assert refusal.value.code == code


def test_nobody_to_send_to_is_refused(session: Session) -> None:
    make_member(session, marketing_consent=False)
    campaign = make_campaign(session, audience_rule={"condition": "has_tag", "tag": "none"})
    with pytest.raises(Invalid) as refusal:
        approve(session, campaign)
    assert refusal.value.code == "nobody"


def test_going_over_the_months_allowance_must_be_said(session: Session) -> None:
    for _ in range(3):
        make_member(session)
    channel = the_channel(session)
    channel.quota_limit, channel.quota_used = 100, 98
    the_brand(session).message_price = 10.4
    campaign = make_campaign(session)
    foreseen = dry_running.dry_run(session, campaign, now=NOW)
    assert (foreseen.messages, foreseen.allowance_left, foreseen.cost) == (3, 2, 10)
    with pytest.raises(Conflict) as refusal:
        approve(session, campaign)
    assert refusal.value.code == "over_allowance"
    approve(session, campaign, accept_over_allowance=True)


def test_a_second_person_approves_where_the_brand_asks_for_it(session: Session) -> None:
    from models.staff import Staff

    staff = [Staff(login=name, name=name, role="marketer", created_at=NOW) for name in ("ann", "bo")]
    session.add_all(staff)
    make_member(session)
    the_brand(session).needs_second_person = True
    session.flush()
    campaign = make_campaign(session)
    campaign.created_by_id = staff[0].id
    with pytest.raises(Conflict) as refusal:
        approve(session, campaign, staff_id=staff[0].id)
    assert refusal.value.code == "second_person"
    approve(session, campaign, staff_id=staff[1].id)


def test_quiet_hours_move_the_start_to_the_next_allowed_minute(session: Session) -> None:
    make_member(session)
    night = NOW.replace(hour=14)  # 22:00 in Taipei
    campaign = make_campaign(session, scheduled_at=night)
    foreseen = dry_running.dry_run(session, campaign, now=NOW)
    morning = NOW.replace(hour=1) + timedelta(days=1)  # 09:00 the next day
    assert (foreseen.starts_at, foreseen.is_delayed) == (morning, True)
    approve(session, campaign)
    for moment in (NOW, night, morning - timedelta(minutes=1)):
        assert freezing.due(session, now=moment) == []
        assert not freezing.step(session, campaign.id, now=moment)
    assert freezing.due(session, now=morning) == [campaign.id]


def test_people_promised_another_send_count_towards_the_cap(session: Session) -> None:
    the_brand(session).weekly_cap = 1
    make_member(session)
    first, second = make_campaign(session), make_campaign(session)
    approve(session, first)
    freeze(session, first)
    foreseen = dry_running.dry_run(session, second, now=NOW)
    assert foreseen.reasons == {"cap": 1}
    assert foreseen.already_this_week == 1
    assert [other.ref for other in foreseen.others] == [first.ref]


def test_no_cap_is_not_a_cap_of_none(session: Session) -> None:
    make_crowd(session)
    campaign = make_campaign(session)
    brand = the_brand(session)
    brand.weekly_cap = None
    free = dry_running.dry_run(session, campaign, now=NOW)
    brand.weekly_cap = 0
    shut = dry_running.dry_run(session, campaign, now=NOW)
    assert "cap" not in free.reasons
    assert shut.gets == 0
    assert shut.reasons["cap"] == free.gets


def test_an_audience_wholly_kept_back_ends_at_once(session: Session) -> None:
    member = make_member(session)
    campaign = make_campaign(session)
    approve(session, campaign)
    member.marketing_consent = False
    session.flush()
    freeze(session, campaign)
    assert outcomes(session, campaign) == {"opted_out": 1}
    assert session.get_one(Campaign, campaign.id).state == "sent"


def test_stopping_withholds_whoever_was_not_begun(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(freezing.CHUNK, "multicast", 2)
    for _ in range(6):
        make_member(session)
    campaign = make_campaign(session)
    approve(session, campaign)
    freeze(session, campaign)
    begun = session.get_one(CampaignChunk, (campaign.id, 1))
    begun.state, begun.first_attempt_at = "claimed", NOW
    session.flush()
    controlling.pause(session, ref=campaign.ref, now=NOW)
    controlling.resume(session, ref=campaign.ref, now=NOW)
    controlling.stop(session, ref=campaign.ref, reason="wrong price", now=NOW)
    settle(session, NOW)
    session.expire_all()
    assert outcomes(session, campaign) == {"ready": 2, "stopped": 4}
    with pytest.raises(Conflict):
        controlling.resume(session, ref=campaign.ref, now=NOW)


MOVES: list[Callable[..., Any]] = [controlling.pause, controlling.resume, controlling.take_back]


@pytest.mark.parametrize("move", MOVES)
def test_there_is_no_way_back_from_sent(session: Session, move: Callable[..., Any]) -> None:
    campaign = make_campaign(session)
    campaign.state = "sent"
    session.flush()
    with pytest.raises(Conflict) as refusal:
        move(session, ref=campaign.ref, now=NOW)
    assert refusal.value.code == "moved_on"


def test_a_test_send_reaches_testers_only_and_counts_nowhere(session: Session) -> None:
    tester, member = make_member(session, is_test=True, marketing_consent=None), make_member(session)
    campaign = make_campaign(session, content={"text": "Hi {name}", "fallback": {"name": "you"}})
    assert drafting.test_send(session, ref=campaign.ref, testers=[tester, member], now=NOW) == 1
    (message,) = session.scalars(select(OutgoingMessage))
    assert (message.member_id, message.campaign_id, message.recipient_id) == (tester.id, None, None)
    assert message.messages[0]["text"] == f"Hi {tester.name}"
    assert recipients(session, campaign) == []


def test_a_copy_is_a_new_draft(session: Session) -> None:
    for _ in range(4):  # one alone might be held out
        make_member(session)
    campaign = make_campaign(session, holdout_percent=5)
    approve(session, campaign)
    twin = drafting.copy(session, ref=campaign.ref, now=NOW)
    assert (twin.state, twin.content, twin.holdout_percent) == ("draft", campaign.content, 5)
    assert twin.ref != campaign.ref


def test_one_cap_for_campaigns_and_automations(session: Session) -> None:
    the_brand(session).weekly_cap = 1
    member, other = make_member(session), make_member(session)
    campaign = make_campaign(session)
    approve(session, campaign)
    freeze(session, campaign)
    rendered = Rendered("birthday", [{"type": "text", "text": "Happy birthday"}])
    said = speaking.say(session, member, rendered, kind="marketing", once="birthday", now=NOW)
    assert (said.message_id, said.reason) == (None, "cap")
    controlling.stop(session, ref=campaign.ref, reason="", now=NOW)
    settle(session, NOW)
    said = speaking.say(session, other, rendered, kind="marketing", once="another", now=NOW)
    assert said.message_id is not None
