"""The menus at LINE are ours, in each person's language, and nothing is uploaded twice."""

from sqlalchemy import select

from line.client import LineClient
from models.member import Friend
from models.programme import RichMenu, the_brand
from tests.support.world import World


def publish(world: World) -> str:
    result = world.app.test_cli_runner().invoke(args=["line", "menus"])
    assert result.exit_code == 0, result.output
    return str(result.output)


def line_ids(world: World) -> dict[str, str]:
    with world.session() as session:
        return {menu.language: str(menu.line_id) for menu in session.scalars(select(RichMenu))}


def test_each_new_friend_sees_the_menu_of_their_language(world: World) -> None:
    publish(world)
    for language, shown in (("th", "th"), ("ja", "ja"), ("zh-TW", "zh-Hant"), ("fr", "zh-Hant")):
        user = world.line.add_user(language=language)
        world.line.follow(user)
        world.settle()
        menu = world.line.menu(user)
        assert menu is not None
        assert menu["richMenuId"] == line_ids(world)[shown]
    assert world.line.violations() == []


def test_nothing_unchanged_is_published_again_and_changes_replace_the_old(world: World) -> None:
    publish(world)
    first = line_ids(world)
    assert "published" not in publish(world)
    assert line_ids(world) == first
    user = world.line.add_user(language="ja")
    world.line.follow(user)
    world.settle()
    with world.session() as session:
        the_brand(session).colour = "#7a2331"
        session.commit()
    assert publish(world).count("published") == 4
    second = line_ids(world)
    assert not set(first.values()) & set(second.values())
    assert LineClient(world.service.extra["line"]).menu_ids() == set(second.values())
    with world.session() as session:
        assert session.scalars(select(Friend.menu_key)).one() == second["ja"]
    menu = world.line.menu(user)
    assert menu is not None
    assert menu["richMenuId"] == second["ja"]
