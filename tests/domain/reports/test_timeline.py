"""A person's page tells everything once, newest first, and parts no moment between two pages."""

from datetime import timedelta

from domain.operations import claiming, converting, noting
from domain.operations.purchasing import Line, record_order
from domain.operations.recording import record
from domain.reports.timeline import PAGE, timeline
from models.benefit import Coupon
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.staff import Staff
from tests.support.factories import make_member, make_store


def told(session, member):
    return [line.words for line in timeline(session, member, language="en").lines]


def test_each_kind_of_thing_is_told_by_its_name(session, now):
    member, store = make_member(session), make_store(session, key="main", name="Main Street")
    staff = Staff(login="s", name="Sam", role="marketer", created_at=now)
    session.add_all([staff, Coupon(key="tea", title={"en": "Free tea"})])
    session.flush()
    record_order(
        session, order_ref="A1", paid_at=now, lines=[Line(1, "x", 500)], member_id=member.id, store_id=store.id,
        source="api", now=now,
    )  # fmt: skip
    claiming.claim(session, member, "tea", now=now)
    noting.write(session, member, text="likes 100% oolong", staff_id=staff.id, now=now)
    lines = told(session, member)
    for words in (
        "Added the account on LINE", "Bought for NT$ 500", "Was in Main Street, bought something",
        "Took the coupon Free tea", "Note: likes 100% oolong",
    ):  # fmt: skip
        assert lines.count(words) == 1, words


def test_what_we_kept_back_says_why(session, now):
    member = make_member(session)
    campaign = Campaign(
        ref="spring", name="Spring tea", state_at=now, created_at=now, channel_id=the_channel(session).id
    )
    session.add(campaign)
    session.flush()
    session.add(
        Recipient(campaign_id=campaign.id, member_id=member.id, state="withheld", reason="opted_out", due_at=now)
    )
    session.flush()
    line = timeline(session, member, language="en").lines[0]
    assert (line.words, line.detail) == ("Kept back: Spring tea", "They did not agree to news and offers.")


def test_starts_we_only_imply_are_not_told(session, now):
    member = make_member(session)
    converting.complete(
        session, member_id=member.id, type="form", object="form:visit", source="liff", once="x", now=now
    )
    assert told(session, member)[0] == "Finished: form visit"
    assert not any(words.startswith("Began") for words in told(session, member))


def test_pages_neither_repeat_nor_lose_anything(session, now):
    member = make_member(session)
    for n in range(PAGE * 2):
        # Three at every moment, so that a page would end between two of them.
        at = now + timedelta(hours=n // 3)
        record(session, "opened_app", member_id=member.id, source="liff", object=f"page{n}", now=at)
    first = timeline(session, member, language="en")
    second = timeline(session, member, language="en", before=first.next_before)
    third = timeline(session, member, language="en", before=second.next_before) if second.next_before else None
    words = [line.words for page in (first, second, third) if page for line in page.lines]
    assert len(words) == len(set(words)) == PAGE * 2 + 1
