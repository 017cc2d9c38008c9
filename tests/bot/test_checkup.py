"""`flask line check` finds what is wrong with the LINE set-up, and says it in plain lines."""

from models.channel import the_channel
from tests.support.world import World


def check(world: World) -> tuple[int, str]:
    result = world.app.test_cli_runner().invoke(args=["line", "check"])
    return result.exit_code, str(result.output)


def test_a_fresh_set_up_still_wants_its_menus(world: World) -> None:
    code, said = check(world)
    assert code == 1
    assert "no rich menu is published: run `flask line menus`" in said
    assert "all settings are there" in said


def test_with_the_menus_everything_is_in_order(world: World) -> None:
    world.app.test_cli_runner().invoke(args=["line", "menus"])
    code, said = check(world)
    assert "everything is in order" in said, said
    assert code == 0


def test_a_dead_token_is_named(world: World) -> None:
    world.line.faults("unauthorized")
    _, said = check(world)
    assert "LINE does not know LINE_CHANNEL_ACCESS_TOKEN" in said


def test_used_up_messages_are_named(world: World) -> None:
    world.line.set_quota(10, used=10)
    _, said = check(world)
    assert "WRONG   10 of 10 messages are used this month" in said


def test_line_being_away_is_said_without_a_traceback(world: World) -> None:
    world.line.faults("reset_before")
    code, said = check(world)
    assert code == 1
    assert "LINE answered nothing" in said


def test_what_line_says_of_the_month_is_kept_for_the_dry_run(world: World) -> None:
    world.line.set_quota(500, used=20)
    check(world)
    with world.session() as session:
        channel = the_channel(session)
        assert (channel.quota_limit, channel.quota_used) == (500, 20)
