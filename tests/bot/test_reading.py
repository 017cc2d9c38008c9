"""Readers that die, databases that go away, LINE that does not say who somebody is: nothing is lost or done twice."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from bot.inbox import InboxReader
from bot.profiles import Profiles
from domain.operations import befriending
from models.event import Event
from models.inbox import InboundBody
from models.member import Friend
from tests.support.line_events import made
from tests.support.world import World


def send(world: World, count: int) -> None:
    at = int(world.now.timestamp() * 1000)
    for _ in range(count):
        world.line.send_events(made("unfollow", at=at))


def die(world: World) -> None:
    """A reader takes what there is, dies, and its lease runs out."""
    InboxReader(world.service).claims.take()
    with world.session() as session:
        over = datetime.now(UTC) - timedelta(minutes=1)
        held = update(InboundBody).where(InboundBody.state == "new", InboundBody.attempts > 0)
        session.execute(held.values(not_before=over))
        session.commit()


def bodies(world: World) -> list[tuple[str, int]]:
    with world.session() as session:
        return [(each.state, each.attempts) for each in session.scalars(select(InboundBody).order_by(InboundBody.id))]


def test_what_kills_its_reader_five_times_is_parked_and_its_neighbours_are_read(world: World) -> None:
    send(world, 3)
    die(world)
    for _ in range(4):
        die(world)  # from now on the first alone: it may be what they died of
    assert bodies(world) == [("new", 5), ("new", 1), ("new", 1)]
    world.settle()
    assert [state for state, _ in bodies(world)] == ["parked", "done", "done"]
    with world.session() as session:
        assert len(session.scalars(select(Event)).all()) == 2


def test_a_lease_of_a_clock_that_was_put_back_is_over(world: World) -> None:
    send(world, 1)
    with world.session() as session:
        session.execute(update(InboundBody).values(not_before=datetime.now(UTC) + timedelta(hours=2)))
        session.commit()
    world.settle()
    assert [state for state, _ in bodies(world)] == ["done"]


def test_a_database_that_goes_away_meanwhile_costs_a_body_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(world, 2)
    reader = InboxReader(world.service)

    def gone(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, ConnectionError("gone"), connection_invalidated=True)

    with monkeypatch.context() as patch:
        patch.setattr(reader, "_give_effects", gone)
        for _ in range(7):
            with pytest.raises(OperationalError):
                reader.step()
    assert [reader.step(), reader.step()] == [2, 0]
    assert bodies(world) == [("done", 1), ("done", 1)]


def test_who_line_did_not_tell_in_time_is_asked_for_again(world: World) -> None:
    world.reader.profiles = Profiles(world.service, first_pause=0.05)
    user = world.line.add_user(name="Aoi", language="ja")
    world.line.faults("error_before", endpoint="profile", times=1)
    world.line.follow(user)
    friend, until = None, time.monotonic() + 60
    while (friend is None or friend.display_name is None) and time.monotonic() < until:
        world.settle()
        with world.session() as session:
            friend = session.scalar(select(Friend).where(Friend.user_id == user))
            language = friend.member.language if friend else None
    assert friend is not None
    assert (friend.display_name, language, friend.is_following) == ("Aoi", "ja", True)
    assert len(world.line.received(user)) == 1


def test_who_a_reader_that_ended_had_still_to_ask_for_is_asked_for_by_the_next(world: World) -> None:
    user = world.line.add_user(name="Aoi", language="ja")
    world.line.faults("error_before", endpoint="profile", times=1)
    world.line.follow(user)
    world.settle()
    world.reader.profiles = Profiles(world.service, recall_seconds=0.05)  # it remembers nobody
    friend, until = None, time.monotonic() + 60
    while (friend is None or friend.display_name is None) and time.monotonic() < until:
        world.settle()
        with world.session() as session:
            friend = session.scalar(select(Friend).where(Friend.user_id == user))
    assert friend is not None
    assert friend.display_name == "Aoi"


def test_a_block_and_a_return_read_side_by_side_end_as_line_saw_them(world: World) -> None:
    user = "U" + "7" * 32
    with world.session() as session:
        befriending.friend_of(session, user, now=world.now)
        session.commit()
    first, ready = world.now, threading.Barrier(2)

    def change(seconds: int) -> None:
        at = first + timedelta(seconds=seconds)
        ready.wait()
        with world.session() as session:
            if seconds % 2:
                befriending.unfollow(session, user_id=user, at=at, now=at)
            else:
                befriending.follow(
                    session, user_id=user, is_unblocked=True, at=at, reply_token=None, reply_until=None, silent=True,
                    now=at,
                )  # fmt: skip
            session.commit()

    for seconds in range(0, 20, 2):
        both = [threading.Thread(target=change, args=(each,)) for each in (seconds, seconds + 1)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        with world.session() as session:
            friend = session.scalars(select(Friend).where(Friend.user_id == user)).one()
        assert friend.is_following is False, f"after {seconds + 1} s"


def test_an_unread_inbox_is_found_by_an_index(world: World) -> None:
    with world.session() as session:
        if session.get_bind().dialect.name == "sqlite":
            plan = session.execute(
                text("EXPLAIN QUERY PLAN SELECT id FROM inbound_body WHERE state = 'new' ORDER BY id")
            )
            assert "ix_inbound_body_new" in str(plan.all())
