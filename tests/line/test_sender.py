"""What the outbox holds reaches each person once, whatever the network does; what does not is said why."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from line.client import LineAccess
from line.sender import Sender
from line.simulator.testing import Simulator
from models.channel import the_channel
from models.clock import Clock
from models.member import Friend, Member
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.session import Sessions
from models.staff import StaffNote
from tests.support.factories import make_member
from tests.support.moments import FixedClock

BODY = [{"type": "text", "text": "Hello"}]


@pytest.fixture(scope="module")
def shared_line() -> Iterator[Simulator]:
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def line(shared_line: Simulator) -> Simulator:
    shared_line.reset()
    shared_line.no_faults()
    shared_line.set_quota(None)
    return shared_line


@pytest.fixture
def sender(sessions: Sessions, line: Simulator) -> Sender:
    return Sender(sessions, Clock(), LineAccess(token=line.channel.access_token, base=line.base_url))


def person(sessions: Sessions, line: Simulator, **fields: Any) -> Member:
    """Somebody known to us and to LINE."""
    with sessions.writing() as session:
        member = make_member(session, **fields)
        friend = session.scalars(select(Friend).where(Friend.member_id == member.id)).one()
        line.add_user(user_id=friend.user_id, following=True)
        session.commit()
        return member


def put(sessions: Sessions, member: Member, **fields: Any) -> int:
    """A row in the outbox."""
    now = datetime.now(UTC)
    with sessions.writing() as session:
        friend = session.scalars(select(Friend).where(Friend.member_id == member.id)).one()
        once = str(fields.pop("once", f"test:{member.id}:{now.timestamp()}"))
        values = {
            "channel_id": friend.channel_id, "member_id": member.id, "to": friend.user_id, "kind": "service",
            "name": "test", "messages": BODY, "once": once, "created_at": now, "due_at": now,
            "retry_key": f"00000000-0000-4000-8000-{abs(hash(once)) % 10**12:012d}",
        }  # fmt: skip
        row = OutgoingMessage(**{**values, **fields})
        session.add(row)
        session.commit()
        return row.id


def found(sessions: Sessions, row_id: int) -> OutgoingMessage:
    with sessions.reading() as session:
        return session.get_one(OutgoingMessage, row_id)


def awake(sessions: Sessions) -> None:
    """Lets every pause between attempts be over."""
    with sessions.writing() as session:
        for row in session.scalars(select(OutgoingMessage)):
            row.lease_until = None
        session.commit()


def test_a_message_is_sent_once(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    row = put(sessions, member := person(sessions, line))
    assert sender.drain() == 1
    assert sender.drain() == 0
    sent = found(sessions, row)
    assert (sent.state, sent.attempts, bool(sent.request_id)) == ("sent", 1, True)
    assert line.deliveries() == {sent.to: 1}
    assert line.violations() == []
    assert member.id == sent.member_id


def test_what_is_not_due_waits(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    row = put(sessions, person(sessions, line), due_at=datetime.now(UTC) + timedelta(hours=1))
    assert sender.drain() == 0
    assert found(sessions, row).state == "queued"


@pytest.mark.parametrize(
    "fault", ["error_before", "error_after", "timeout_after", "reset_before", "reset_after", "html"]
)
def test_an_unclear_answer_is_cleared_up_with_the_same_key(
    sessions: Sessions, line: Simulator, sender: Sender, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("line.transport.ATTEMPT_SECONDS", 0.5)
    line.faults(fault, endpoint="push", times=1, seconds=1)
    row = put(sessions, person(sessions, line))
    sender.drain()
    assert found(sessions, row).state == "queued"
    awake(sessions)
    sender.drain()
    sent = found(sessions, row)
    assert sent.state == "sent"
    assert line.deliveries() == {sent.to: 1}


def test_a_reply_is_free_and_tried_first(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    member = person(sessions, line)
    row = put(sessions, member, reply_token=token_of(line, member), reply_until=soon())
    sender.drain()
    assert found(sessions, row).state == "sent"
    assert [each["status"] for each in line.requests("reply")] == [200]
    assert line.requests("push") == []


def test_a_used_up_reply_token_becomes_a_push(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    member = person(sessions, line)
    row = put(sessions, member, reply_token="used", reply_until=soon())
    sender.drain()
    assert found(sessions, row).state == "sent"
    assert line.deliveries() == {found(sessions, row).to: 1}


def test_a_late_reply_goes_straight_to_push(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    put(sessions, person(sessions, line), reply_token="old", reply_until=datetime.now(UTC) - timedelta(seconds=1))
    sender.drain()
    assert line.requests("reply") == []
    assert len(line.requests("push")) == 1


def test_a_reply_without_an_answer_is_never_repeated(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    member = person(sessions, line)
    line.faults("error_after", endpoint="reply", times=1)
    row = put(sessions, member, reply_token=token_of(line, member), reply_until=soon())
    sender.drain()
    awake(sessions)
    sender.drain()
    assert (found(sessions, row).state, found(sessions, row).reason) == ("unsure", "reply_unanswered")
    assert line.deliveries() == {found(sessions, row).to: 1}


def test_lines_refusal_is_kept_in_its_own_words(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    row = put(sessions, person(sessions, line), messages=[{"type": "text", "text": ""}])
    sender.drain()
    failed = found(sessions, row)
    assert failed.state == "failed"
    assert failed.reason
    assert failed.reason.startswith("400 The request body has 1 error")


@pytest.mark.parametrize(
    ("change", "kind", "reason"),
    [
        ({"erased_at": datetime(2026, 1, 1, tzinfo=UTC)}, "service", "erased"),
        ({"marketing_consent": False}, "marketing", "opted_out"),
        ({"marketing_consent": None}, "marketing", "opted_out"),
    ],
)
def test_the_last_look_keeps_back_what_may_not_go(
    sessions: Sessions, line: Simulator, sender: Sender, change: dict[str, Any], kind: str, reason: str
) -> None:
    member = person(sessions, line)
    row = put(sessions, member, kind=kind)
    with sessions.writing() as session:
        for name, value in change.items():
            setattr(session.get_one(Member, member.id), name, value)
        session.commit()
    sender.drain()
    assert (found(sessions, row).state, found(sessions, row).reason) == ("withheld", reason)
    assert line.requests("push") == []


def test_who_blocked_us_meanwhile_gets_nothing(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    row = put(sessions, member := person(sessions, line))
    with sessions.writing() as session:
        session.scalars(select(Friend).where(Friend.member_id == member.id)).one().is_following = False
        session.commit()
    sender.drain()
    assert (found(sessions, row).state, found(sessions, row).reason) == ("withheld", "blocked")


def test_what_is_not_worth_saying_any_more_is_withheld(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    row = put(sessions, person(sessions, line), expires_at=datetime.now(UTC) - timedelta(seconds=1))
    sender.drain()
    assert (found(sessions, row).state, found(sessions, row).reason) == ("withheld", "expired")


def test_an_unclear_attempt_older_than_lines_memory_is_left_to_a_person(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    tried = datetime.now(UTC) - timedelta(hours=24)
    row = put(sessions, person(sessions, line), first_attempt_at=tried, attempts=3)
    sender.drain()
    assert (found(sessions, row).state, found(sessions, row).reason) == ("unsure", "too_old")
    assert line.requests("push") == []


def test_without_quota_everything_but_replies_waits(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    member = person(sessions, line)
    line.set_quota(0)
    pushed = put(sessions, member, once="push")
    sender.drain()
    replied = put(sessions, member, once="reply", reply_token=token_of(line, member), reply_until=soon())
    awake(sessions)
    sender.drain()
    assert (found(sessions, pushed).state, found(sessions, replied).state) == ("queued", "sent")
    assert found(sessions, pushed).first_attempt_at is None
    with sessions.reading() as session:
        assert the_channel(session).stopped_reason == "out_of_quota"
    line.set_quota(100)
    sender._rechecked = -1000.0
    sender.drain()
    assert found(sessions, pushed).state == "sent"


def test_a_token_that_is_no_good_stops_the_channel_and_loses_nothing(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    line.faults("unauthorized", endpoint="push", times=1)
    row = put(sessions, person(sessions, line))
    sender.drain()
    assert (found(sessions, row).state, found(sessions, row).attempts) == ("queued", 0)
    awake(sessions)
    sender._rechecked = -1000.0
    sender.drain()
    assert found(sessions, row).state == "sent"


def test_too_fast_costs_no_attempt(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    line.faults("rate_limited", endpoint="push", times=1)
    row = put(sessions, person(sessions, line))
    sender.drain()
    waiting = found(sessions, row)
    assert (waiting.state, waiting.attempts, waiting.first_attempt_at) == ("queued", 0, None)


def test_a_dead_workers_claim_is_taken_over_and_its_answer_ignored(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    from line import letters

    row = put(sessions, person(sessions, line))
    (dead,), _ = letters.claim(sessions, Clock(), limit=10)
    assert sender.drain() == 0
    awake(sessions)
    assert sender.drain() == 1
    assert letters.record(sessions, Clock(), [letters.Result(dead, None)]) == 0
    assert found(sessions, row).state == "sent"


def token_of(line: Simulator, member: Member) -> str:
    user = line.world.people.get(f"U{member.id:032x}")
    assert user is not None
    return line.world.reply_tokens.issue(user.user_id, line.world.clock.seconds())


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=50)


def test_news_held_up_till_night_waits_for_the_morning_and_a_booking_does_not(
    sessions: Sessions, line: Simulator
) -> None:
    with sessions.writing() as session:
        the_brand(session).quiet_from, the_brand(session).quiet_until = "21:00", "09:00"
        session.commit()
    evening = datetime(2026, 3, 10, 12, 58, tzinfo=UTC)  # 20:58 in Taipei
    news = put(sessions, person(sessions, line), kind="marketing", due_at=evening)
    booking = put(sessions, person(sessions, line), due_at=evening)
    clock = FixedClock(evening + timedelta(hours=5))
    sender = Sender(sessions, clock, LineAccess(token=line.channel.access_token, base=line.base_url))
    sender.drain()
    assert (found(sessions, news).state, found(sessions, booking).state) == ("queued", "sent")
    clock.moment += timedelta(hours=8)
    sender.drain()
    assert found(sessions, news).state == "sent"


def test_what_is_left_of_the_month_is_asked_at_the_start(sessions: Sessions, line: Simulator, sender: Sender) -> None:
    line.set_quota(500, used=20)
    sender.drain()
    with sessions.reading() as session:
        channel = the_channel(session)
        assert (channel.quota_limit, channel.quota_used) == (500, 20)
        assert channel.quota_checked_at is not None


def test_marketing_to_whoever_is_unhappy_waits_at_the_last_look_and_service_goes(
    sessions: Sessions, line: Simulator, sender: Sender
) -> None:
    """L23: the case opened after the message was written; still it does not leave."""
    member = person(sessions, line)
    news = put(sessions, member, kind="marketing", once="news")
    booking = put(sessions, member, kind="service", once="booking")
    with sessions.writing() as session:
        session.add(StaffNote(member_id=member.id, kind="care", text="2 of 10", created_at=datetime.now(UTC)))
        the_brand(session).quiet_from = the_brand(session).quiet_until = "00:00"
        session.commit()
    sender.drain()
    with sessions.reading() as session:
        states = {row.id: (row.state, row.reason) for row in session.scalars(select(OutgoingMessage))}
    assert states == {news: ("withheld", "care_open"), booking: ("sent", None)}
