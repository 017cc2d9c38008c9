"""Programmes of the Taiwan preset that go by buying and by silence: who is so, and what they get, once."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

import pytest

from models.member import Member
from tests.support.preset_shop import OPENED, PresetShop

DAY = timedelta(days=1)
Lived = Callable[[PresetShop, Member], None]


class Story(NamedTuple):
    """`row` of the preset: by `day`, whoever `lived` so has `gets`, and whoever lived like the `other` has nothing."""

    row: str
    lived: Lived
    other: Lived
    day: date
    gets: list[str]


def bought(*days: date, category: str = "") -> Lived:
    return lambda shop, member: shop.buys(member, *days, category=category)


def ago(day: date, *days: int) -> list[date]:
    return [day - each * DAY for each in days]


def carted(then_bought: bool) -> Lived:
    def live(shop: PresetShop, member: Member) -> None:
        shop.happens(member, "carted", D(40), "OOL-1")
        if then_bought:
            shop.buys(member, D(40))

    return live


def monthly_amid_others(shop: PresetShop, member: Member) -> None:
    """A rhythm of thirty days, in a shop where that is known to be usual."""
    for regular in (member, *(shop.somebody() for _ in range(10))):
        shop.buys(regular, D(-28), D(2), D(32), D(62))


def D(n: int) -> date:
    """The n-th day after the shop opened with the preset."""
    return OPENED + n * DAY


OFTEN = bought(*ago(D(31), 25, 55, 85, 115), category="tea")
STORIES = [
    Story(
        "second_purchase",
        bought(D(10)),
        bought(*ago(D(10), 0, 30)),
        D(31),
        ["coupon pair_offer", "says second_purchase"],
    ),
    Story("win_back_30", bought(D(10)), bought(D(10), D(20)), D(40), ["coupon win_back_30", "says win_back"]),
    Story(
        "restart_pack",
        bought(D(1)),
        bought(D(1), D(30)),
        D(61),
        ["coupon restart_shipping", "points 50", "says restart_pack"],
    ),
    Story(
        "sample_invite",
        bought(D(1), category="tea"),
        bought(D(1), category="ware"),
        D(121),
        ["coupon new_tea_sample", "says sample_invite"],
    ),
    Story(
        "sweets_next_week",
        bought(*ago(date(2027, 2, 5), 3, 20), category="sweets"),
        bought(*ago(date(2027, 2, 5), 3, 20), category="tea"),
        date(2027, 2, 5),
        ["coupon sweets_week", "says sweets_next_week"],
    ),
    Story(
        "usual_half",
        bought(*ago(date(2027, 2, 6), 3, 20, 40), category="tea"),
        bought(*ago(date(2027, 2, 6), 3, 20, 40), category="ware"),
        date(2027, 2, 6),
        ["coupon second_cup", "says usual_half"],
    ),
    Story("cart_left", carted(then_bought=False), carted(then_bought=True), D(40), ["says cart_left"]),
    Story(
        "quiz_regular",
        bought(*ago(date(2027, 3, 15), 3, 30, 60, 90)),
        bought(*ago(date(2027, 3, 15), 3, 30)),
        date(2027, 3, 15),
        ["says quiz_regular"],
    ),
    Story(
        "recommend_survey",
        bought(*ago(date(2027, 4, 20), 3, 30)),
        bought(date(2027, 4, 17)),
        date(2027, 4, 20),
        ["says recommend_survey"],
    ),
    Story(
        "new_year",
        bought(D(1)),
        lambda shop, member: None,
        date(2027, 1, 23),
        ["coupon festival_gift", "says new_year"],
    ),
    Story(
        "dragon_boat",
        bought(D(1)),
        lambda shop, member: None,
        date(2027, 5, 26),
        ["coupon festival_gift", "says dragon_boat"],
    ),
    Story(
        "mid_autumn",
        bought(D(1)),
        lambda shop, member: None,
        date(2027, 9, 1),
        ["coupon festival_gift", "says mid_autumn"],
    ),
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.row)
def test_whoever_is_in_the_situation_gets_it_once(shop: PresetShop, story: Story) -> None:
    shop.rows = [story.row]
    shop.clock(story.day - 3 * DAY)
    mei, other = shop.somebody(), shop.somebody()
    story.lived(shop, mei)
    story.other(shop, other)
    shop.night(story.day)
    shop.clock(story.day - DAY, 23)
    assert (shop.has(mei), shop.has(other)) == ([], [])
    for hour in (17, 18, 19):
        shop.clock(story.day, hour)
    shop.clock(story.day + DAY)
    assert (shop.has(mei), shop.has(other)) == (story.gets, [])


BECOMES = [
    Story("repurchase_due", monthly_amid_others, bought(D(80)), D(87), ["says repurchase_due"]),
    Story("invite_friends", bought(D(2), D(12), D(22), D(32)), bought(D(2), D(32)), D(33), ["says invite_friends"]),
    Story("wake_up_task", bought(D(1)), bought(D(1), D(150)), D(190), ["coupon wake_up_80", "says wake_up_task"]),
]


@pytest.mark.parametrize("story", BECOMES, ids=lambda story: story.row)
def test_whoever_becomes_so_gets_it_once(shop: PresetShop, story: Story) -> None:
    shop.rows = [story.row]
    shop.clock(story.day - 3 * DAY)
    mei, other = shop.somebody(), shop.somebody()
    story.lived(shop, mei)
    story.other(shop, other)
    for day in (story.day, story.day + DAY):
        shop.night(day)
        for hour in (9, 12, 13):
            shop.clock(day, hour)
    assert (shop.has(mei), shop.has(other)) == (story.gets, [])
