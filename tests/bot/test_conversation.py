"""What people do in the chat has its effect, and is answered in their language, free and once."""

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from domain.operations.linking import make
from models.channel import the_channel
from models.event import Event
from models.member import Friend, Member
from models.programme import EntrySource, KeywordAnswer
from models.staff import StaffNote
from tests.support.world import World


def friend(world: World, **more: Any) -> str:
    user = world.line.add_user(**{"name": "Mei", "language": "en", **more})
    world.line.follow(user)
    world.settle()
    return user


def person(world: World, user: str) -> Member:
    with world.session() as session:
        return session.scalars(select(Member).join(Friend).where(Friend.user_id == user)).one()


def kinds(world: World) -> list[str]:
    with world.session() as session:
        return list(session.scalars(select(Event.kind).order_by(Event.id)))


def texts(node: Any) -> list[str]:
    """Every text of a message, Flex included."""
    if isinstance(node, list):
        return [each for part in node for each in texts(part)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    return own + [each for value in node.values() for each in texts(value)]


def test_a_new_friend_is_welcomed_for_free_and_known_by_name(world: World) -> None:
    user = friend(world, language="ja")
    assert [each["status"] for each in world.line.requests("reply")] == [200]
    assert world.line.requests("push") == []
    assert world.line.received(user)[0]["type"] == "flex"
    assert person(world, user).language == "ja"
    assert world.line.violations() == []


def test_the_welcome_has_the_words_of_where_they_came_from(world: World) -> None:
    user = world.line.add_user(language="en")
    with world.session() as session:
        session.add(EntrySource(key="kyoto", name="Kyoto store", welcome={"en": "See you in Kyoto."}))
        from domain.operations.befriending import friend_of

        friend_of(session, user, now=world.now).member.entry_source = "kyoto"
        session.commit()
    world.line.follow(user)
    world.settle()
    assert "See you in Kyoto." in texts(world.line.received(user)[0])


def test_who_blocks_is_kept_and_sent_nothing(world: World) -> None:
    user = friend(world)
    world.line.unfollow(user)
    world.settle()
    with world.session() as session:
        row = session.scalars(select(Friend).where(Friend.user_id == user)).one()
        assert row.is_following is False
    world.line.follow(user)
    world.settle()
    assert "Good to see you again" in texts(world.line.received(user)[-1])[0]
    assert kinds(world) == ["followed", "unfollowed", "followed"]


def test_follow_and_block_may_come_in_any_order(world: World) -> None:
    user = world.line.add_user()
    at = int(world.now.timestamp() * 1000)
    blocked = event(user, "unfollow", at + 5000, "E2")
    followed = event(user, "follow", at, "E1", follow={"isUnblocked": False})
    world.line.send_events(blocked)
    world.settle()
    world.line.send_events(followed)
    world.settle()
    with world.session() as session:
        assert session.scalars(select(Friend.is_following)).one() is False
    assert world.line.received(user) == []


def event(user: str, kind: str, at: int, id: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind, "mode": "active", "timestamp": at, "webhookEventId": id,
        "source": {"type": "user", "userId": user}, "deliveryContext": {"isRedelivery": False}, **more,
    }  # fmt: skip


def test_a_keyword_is_answered_whatever_its_width_and_case(world: World) -> None:
    user = friend(world)
    with world.session() as session:
        session.add(
            KeywordAnswer(
                key="hours", keywords=["Hours", "営業時間"], text={"en": "We open at ten."}, link_path="/contact"
            )
        )
        session.commit()
    world.line.say(user, "ｈｏｕｒｓ？ ")
    world.settle()
    assert "We open at ten." in texts(world.line.received(user)[-1])
    assert world.line.requests("push") == []
    with world.session() as session:
        assert session.scalar(select(func.count(StaffNote.id))) == 0


def test_other_words_wait_for_staff_and_can_be_taken_back(world: World) -> None:
    user = friend(world)
    world.line.say(user, "Is the blue one back? 🍎")
    world.settle()
    with world.session() as session:
        note = session.scalars(select(StaffNote)).one()
        assert (note.kind, note.text, note.closed_at) == ("chat", "Is the blue one back? 🍎", None)
    world.line.unsend(user)
    world.settle()
    with world.session() as session:
        assert session.scalar(select(func.count(StaffNote.id))) == 0
        from models.inbox import InboundBody

        assert not any(b"blue" in body for body in session.scalars(select(InboundBody.body)))
    assert kinds(world)[-1] == "texted"


def test_a_message_taken_back_before_we_heard_it_leaves_no_copy(world: World) -> None:
    user = friend(world)
    at = int(world.now.timestamp() * 1000)
    world.line.send_events(event(user, "unsend", at + 1, "E-unsend", unsend={"messageId": "77"}))
    world.settle()
    message = {"type": "text", "id": "77", "text": "secret"}
    world.line.send_events(event(user, "message", at, "E-message", message=message))
    world.settle()
    with world.session() as session:
        assert session.scalar(select(func.count(StaffNote.id))) == 0


def test_stop_and_start_act_at_once_in_four_languages(world: World) -> None:
    user = friend(world)
    for stop, start in (("STOP", "start"), ("退訂", "訂閱"), ("配信停止", "配信再開"), ("หยุด", "เริ่ม")):
        world.line.say(user, stop)
        world.settle()
        assert person(world, user).marketing_consent is False
        assert "no more news" in texts(world.line.received(user)[-1])[0]
        world.line.say(user, start)
        world.settle()
        assert person(world, user).marketing_consent is True
    assert kinds(world).count("refused") == kinds(world).count("consented") == 4
    assert world.line.requests("push") == []


def test_a_button_knows_the_message_it_was_in(world: World) -> None:
    user = friend(world)
    with world.session() as session:
        now = world.now
        link = make(session, url="", message_id=7, member_id=person(world, user).id, now=now)
        session.commit()
    world.line.postback(user, f"act=card&t={link.token}")
    world.settle()
    with world.session() as session:
        pressed = session.scalars(select(Event).where(Event.kind == "postback")).one()
    assert pressed.message_id == 7
    assert "Your member card is here." in texts(world.line.received(user)[-1])


def test_a_picked_day_leads_to_that_day(world: World) -> None:
    user = friend(world)
    world.line.postback(user, "act=book&store=2", {"datetime": "2027-01-09T18:30"})
    world.settle()
    with world.session() as session:
        from models.campaign import TrackedLink

        urls = session.scalars(select(TrackedLink.url)).all()
        assert the_channel(session).liff_url("/book?store=2&date=2027-01-09") in urls


def test_unknown_buttons_and_menu_switches_are_only_noted(world: World) -> None:
    user = friend(world)
    before = len(world.line.received(user))
    world.line.postback(user, "tab=b", {"newRichMenuAliasId": "menu-b", "status": "SUCCESS"})
    world.line.postback(user, "act=waitlist&entry=999")
    world.line.postback(user, "")
    world.settle()
    said = [texts(each) for each in world.line.received(user)[before:]]
    assert said == [["You are not on this waitlist. Pick a time to join one."]]
    assert kinds(world).count("postback") == 3


def test_in_standby_we_note_and_stay_silent(world: World) -> None:
    user = world.line.add_user(language="en")
    at = int(world.now.timestamp() * 1000)
    world.line.send_events(
        {**event(user, "follow", at, "S1", follow={"isUnblocked": False}), "mode": "standby"},
        {**event(user, "message", at, "S2", message={"type": "text", "id": "9", "text": "stop"}), "mode": "standby"},
    )
    world.settle()
    assert world.line.received(user) == []
    assert person(world, user).marketing_consent is False


def test_old_news_is_recorded_and_not_answered(world: World) -> None:
    user = world.line.add_user()
    at = int((world.now - timedelta(days=3)).timestamp() * 1000)
    world.line.send_events(event(user, "follow", at, "O1", follow={"isUnblocked": False}))
    world.settle()
    assert kinds(world) == ["followed"]
    assert world.line.received(user) == []


def test_links_in_messages_lead_on_and_are_noted(world: World) -> None:
    import requests

    user = friend(world)
    with world.session() as session:
        link = make(session, url="https://example.com/a", campaign_id=None, message_id=3,
                    member_id=person(world, user).id, now=world.now)  # fmt: skip
        session.commit()
    phone = {"User-Agent": "Mozilla/5.0 (iPhone) Line/15.0"}
    world.go_to(world.start + timedelta(hours=1, seconds=20))  # taps within one clock minute are one
    for _ in range(2):
        answer = requests.get(f"{world.url}/t/{link.token}", headers=phone, allow_redirects=False, timeout=10)
        assert (answer.status_code, answer.headers["Location"]) == (302, "https://example.com/a")
    robot = {"User-Agent": "facebookexternalhit/1.1;line-poker/1.0"}
    assert (
        requests.get(f"{world.url}/t/{link.token}", headers=robot, allow_redirects=False, timeout=10).status_code == 302
    )
    assert (
        requests.head(f"{world.url}/t/{link.token}", headers=phone, allow_redirects=False, timeout=10).status_code
        == 302
    )
    assert requests.get(f"{world.url}/t/nowhere", headers=phone, timeout=10).status_code == 404
    with world.session() as session:
        clicks = session.scalars(select(Event).where(Event.kind == "clicked")).all()
    assert [(each.member_id, each.message_id) for each in clicks] == [(person(world, user).id, 3)]
