"""One person with two LINE accounts: staff join them, either phone is answered as one member, and staff part them."""

from sqlalchemy import select

from domain.operations import merging
from domain.operations.unmerging import unmerge
from models.event import Event
from models.member import Friend, Member
from models.merge import Merge
from tests.support.world import World


def follow(world: World, name: str) -> str:
    user: str = world.line.add_user(name=name, language="en")
    world.line.follow(user)
    world.settle()
    return user


def record_of(world: World, user: str) -> int:
    with world.session() as session:
        return int(session.scalars(select(Friend.member_id).where(Friend.user_id == user)).one())


def whose(world: World, kind: str) -> list[int | None]:
    with world.session() as session:
        return list(session.scalars(select(Event.member_id).where(Event.kind == kind).order_by(Event.id)))


def test_either_phone_is_the_same_member_until_they_are_parted(world: World) -> None:
    old, new = follow(world, "Mei"), follow(world, "Mei (new phone)")
    kept, gone = record_of(world, new), record_of(world, old)
    open_before = world.member(old)  # signed in before staff joined the two
    with world.session() as session:
        merging.merge(
            session, session.get_one(Member, kept), session.get_one(Member, gone), staff_id=None, now=world.now
        )
        session.commit()
    world.line.say(old, "hello")
    world.settle()
    assert whose(world, "texted") == [kept]
    for browser in (open_before, world.member(old)):
        answer = browser.post(f"{world.url}/liff/api/openings", json={"page": "card"})
        assert answer.status_code == 204, answer.text
    assert set(whose(world, "opened_app")) == {kept}
    world.line.say(new, "hello again")
    world.settle()
    with world.session() as session:
        unmerge(session, session.scalars(select(Merge)).one(), staff_id=None, now=world.now)
        session.commit()
    assert whose(world, "texted") == [gone, kept]
    assert set(whose(world, "opened_app")) == {gone}
