"""A stranger adds the account and is welcomed, once, in their chat."""

from tests.support.world import World


def test_a_new_friend_is_welcomed_once(world: World) -> None:
    mei = world.line.add_user(name="Mei")
    world.line.follow(mei)
    world.settle()
    welcome = world.line.received(mei)
    assert [message["type"] for message in welcome] == ["flex"]
    assert world.line.violations() == []
