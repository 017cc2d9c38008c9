"""Being forgotten: what names the person goes, from sends and the inbox too; everyone else's stays."""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.messages import welcome
from domain.operations import forgetting, leaving, speaking
from domain.operations.recording import record
from models.campaign import CampaignChunk, Recipient
from models.channel import the_channel
from models.event import Event
from models.inbox import InboundBody, WebhookEvent
from models.member import Friend, Identity
from models.outbox import OutgoingMessage
from tests.support.factories import make_member
from tests.support.journey import make_campaign, send


def test_sends_lose_the_person_but_not_the_count(session: Session, now: datetime) -> None:
    gone, stays = make_member(session), make_member(session)
    assert gone.friend
    assert stays.friend
    ids = [gone.friend.user_id, stays.friend.user_id]
    campaign = make_campaign(session, "spring", at=now)
    for no, state in ((1, "sent"), (2, "claimed")):
        session.add(CampaignChunk(campaign_id=campaign.id, no=no, state=state, size=2, recipients=ids))
    for member in (gone, stays):
        for no in (1, 2):
            values = {"campaign_id": campaign.id, "chunk_no": no, "state": "sent", "occasion": str(no), "due_at": now}
            session.add(Recipient(member_id=member.id, merge={"name": member.name}, **values))
    session.flush()
    leaving.erase(session, gone, by="member", now=now)
    session.expire_all()
    chunks = {chunk.no: chunk.recipients for chunk in session.scalars(select(CampaignChunk))}
    assert chunks[1] == ["erased", ids[1]]
    assert chunks[2] == ids  # being sent just now: the same body must be repeated
    merges = session.execute(select(Recipient.member_id, Recipient.merge)).all()
    assert {member_id for member_id, merge in merges if not merge} == {gone.id}
    assert session.scalar(select(func.count()).select_from(Recipient)) == 4


def test_the_inbox_forgets_them_and_only_them(session: Session, now: datetime) -> None:
    gone, stays = make_member(session), make_member(session)
    assert gone.friend
    assert stays.friend
    channel_id = the_channel(session).id
    for n, user_id in enumerate((gone.friend.user_id, stays.friend.user_id)):
        text = f'{{"events":[{{"source":{{"userId":"{user_id}"}}}}]}}'
        body = InboundBody(channel_id=channel_id, received_at=now, body=text.encode(), state="done")
        session.add(body)
        session.flush()
        told = {"type": "message", "state": "parked", "payload": {"source": {"userId": user_id}}}
        session.add(WebhookEvent(event_id=f"e{n}", body_id=body.id, received_at=now, **told))
    session.flush()
    kept = stays.friend.user_id
    leaving.erase(session, gone, by="staff", now=now)
    session.expire_all()
    assert kept.encode() in session.scalars(select(InboundBody)).one().body
    payloads = list(session.scalars(select(WebhookEvent.payload).order_by(WebhookEvent.event_id)))
    assert payloads == [None, {"source": {"userId": kept}}]


def test_facts_stay_without_words(session: Session, now: datetime) -> None:
    member = make_member(session)
    at = now - timedelta(days=1)
    for kind, data in (("texted", {"text": "my knee hurts"}), ("visited", {"store": "xinyi", "how": "check_in"})):
        record(session, kind, member_id=member.id, source="test", occurred_at=at, data=data, now=now)
    leaving.erase(session, member, by="member", now=now)
    leaving.erase(session, member, by="member", now=now)  # asked twice is once
    session.expire_all()
    data = dict(session.execute(select(Event.kind, Event.data).where(Event.occurred_at == at)).all())
    assert data == {"texted": {}, "visited": {"store": "xinyi", "how": "check_in"}}
    assert session.scalars(select(Friend)).all() == session.scalars(select(Identity)).all() == []
    assert (member.erased_at, member.marketing_consent, member.is_member) == (now, False, False)


def test_what_was_being_sent_at_that_moment_is_forgotten_by_the_night(session: Session, now: datetime) -> None:
    member, other = make_member(session), make_member(session)
    for each in (member, other):
        speaking.say(session, each, welcome.render(session, each), kind="service", once=f"w{each.id}", now=now)
    said = session.scalars(select(OutgoingMessage).where(OutgoingMessage.member_id == member.id)).one()
    said.state = "claimed"
    session.flush()
    leaving.erase(session, member, by="member", now=now)
    assert leaving.finish(session) == 0
    said.state = "sent"
    session.flush()
    assert leaving.finish(session) == 1
    session.expire_all()
    left = {each.member_id: bool(each.messages) for each in session.scalars(select(OutgoingMessage))}
    assert left == {member.id: False, other.id: True}


def test_what_was_still_to_be_said_is_counted_as_withheld(session: Session, now: datetime) -> None:
    campaign = make_campaign(session, "birthday", at=now, kind="automation", state="standing")
    fates = {}
    for tried in (None, now):
        member = make_member(session)
        row = send(session, campaign, member, at=now, state="ready", sent_at=None, was_reachable=None)
        rendered = welcome.render(session, member)
        spoken = speaking.say(
            session, member, rendered, kind="service", once=f"b{row.id}", recipient_id=row.id, now=now
        )  # fmt: skip
        said = session.get_one(OutgoingMessage, spoken.message_id)
        said.first_attempt_at = tried
        session.flush()
        leaving.erase(session, member, by="member", now=now)
        session.expire_all()
        fates[tried] = (said.state, row.state, row.reason)
    assert fates == {None: ("cancelled", "withheld", "erased"), now: ("unsure", "unsure", "erased")}


def test_chunks_still_being_repeated_forget_them_by_the_night(session: Session, now: datetime) -> None:
    gone, stays = make_member(session), make_member(session)
    assert gone.friend
    assert stays.friend
    ids = [gone.friend.user_id, stays.friend.user_id]
    campaign = make_campaign(session, "spring", at=now, state="sending")
    chunk = CampaignChunk(campaign_id=campaign.id, no=1, state="claimed", size=2, recipients=ids)
    session.add(chunk)
    for member in (gone, stays):
        send(session, campaign, member, at=now, chunk_no=1)
    leaving.erase(session, gone, by="member", now=now)
    assert leaving.finish(session) == 0
    chunk.state, campaign.finished_at = "unsure", now + timedelta(minutes=1)
    session.flush()
    assert leaving.finish(session) == 1
    assert chunk.recipients == ["erased", ids[1]]
    assert leaving.finish(session) == 0


def test_parked_bodies_and_waiting_retries_forget_them_too(session: Session, now: datetime) -> None:
    member = make_member(session)
    assert member.friend
    user_id = member.friend.user_id
    text = f'{{"events":[{{"source":{{"userId":"{user_id}"}}}}]}}'
    body = InboundBody(channel_id=the_channel(session).id, received_at=now, body=text.encode(), state="parked")
    told = {"type": "message", "state": "retry", "payload": {"source": {"userId": user_id}}}
    session.add_all([body, WebhookEvent(event_id="e1", received_at=now, **told)])
    session.flush()
    leaving.erase(session, member, by="member", now=now)
    session.expire_all()
    assert session.scalars(select(InboundBody)).all() == []
    event = session.scalars(select(WebhookEvent)).one()
    assert (event.state, event.payload) == ("ignored", None)


def test_nothing_raw_is_kept_longer_than_thirty_days_parked_or_not(session: Session, now: datetime) -> None:
    for n, state in enumerate(("done", "parked", "new")):
        body = InboundBody(channel_id=the_channel(session).id, received_at=now, body=b"{}", state=state)
        session.add(body)
        session.flush()
        told = {"type": "message", "state": "parked", "payload": {"text": "my knee hurts"}}
        session.add(WebhookEvent(event_id=f"e{n}", body_id=body.id, received_at=now, **told))
    session.flush()
    assert forgetting.forget_raw_bodies(session, machine_now=now + timedelta(days=31)) == 2
    session.expire_all()
    assert session.scalars(select(InboundBody.state)).all() == ["new"]
    payloads = session.scalars(select(WebhookEvent.payload).order_by(WebhookEvent.event_id)).all()
    assert payloads == [None, None, {"text": "my knee hurts"}]
