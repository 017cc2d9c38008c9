"""Programmes of the Taiwan preset that go by who somebody is: joining, tiers, family, business, the calendar."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any, NamedTuple

import pytest

from models.member import Member
from tests.support.preset_shop import OPENED, PresetShop

DAY = timedelta(days=1)
Lived = Callable[[PresetShop, Member], Any]
ARTICLE = "https://camellia.example/journal/oolong"


class Story(NamedTuple):
    """`row` of the preset: whoever `lived` so has `gets` by `day`; whoever lived like the `other` has nothing."""

    row: str
    lived: Lived
    other: Lived
    day: date
    gets: list[str]


def D(n: int) -> date:
    """The n-th day after the shop opened with the preset."""
    return OPENED + n * DAY


def nothing(shop: PresetShop, member: Member) -> None:
    """Somebody who did nothing that matters."""


def stands_on(tier: str) -> Lived:
    return lambda shop, member: shop.stands_on(member, tier)


def told(**fields: str) -> Lived:
    def live(shop: PresetShop, member: Member) -> None:
        member.custom = fields

    return live


def born(day: date) -> Lived:
    def live(shop: PresetShop, member: Member) -> None:
        member.birth_date, member.birth_month, member.birth_day = day, day.month, day.day

    return live


def happened(kind: str, day: date, object: str = "") -> Lived:
    return lambda shop, member: shop.happens(member, kind, day, object)


def joined(day: date) -> Lived:
    return lambda shop, member: shop.joins(member, day)


def answered(form: str, day: date, **answers: Any) -> Lived:
    return lambda shop, member: shop.answers(member, form, day, **answers)


def bought(day: date, sku: str, amount: int = 1_000) -> Lived:
    return lambda shop, member: shop.buys(member, day, sku=sku, amount=amount)


def all_of(*parts: Lived) -> Lived:
    def live(shop: PresetShop, member: Member) -> None:
        for part in parts:
            part(shop, member)

    return live


JOINED = joined(D(20))
RIGHT = {"oolong": "partly", "dongding": "lugu", "water": "80"}
COMPANY = all_of(told(account_type="business"), bought(D(5), "x", 250_000))
STORIES = [
    Story("joined_ticket", JOINED, nothing, D(20), ["ticket"]),
    Story("joined_gift", JOINED, nothing, D(20), ["coupon first_order"]),
    Story("getting_started", JOINED, all_of(JOINED, bought(D(21), "x")), D(24), ["says getting_started"]),
    Story("quiz_newcomer", JOINED, all_of(JOINED, answered("tea_quiz", D(21), **RIGHT)), D(28), ["says quiz_newcomer"]),
    Story(
        "lesson_next",
        answered("tea_quiz", D(20), **RIGHT),
        answered("tea_quiz", D(20), **{**RIGHT, "water": "100"}),
        D(23),
        ["says lesson_next"],
    ),
    Story(
        "article_oolong",
        happened("clicked", D(20), ARTICLE),
        happened("clicked", D(20), ARTICLE + "/2"),
        D(20),
        ["coupon oolong_reader", "says article_oolong", "tag read_oolong"],
    ),
    Story(
        "memory_ticket",
        answered("first_memory", D(20), words="A tin of oolong"),
        answered("household", D(20), caring="no"),
        D(20),
        ["ticket"],
    ),
    Story("visit_survey", lambda shop, member: shop.visits(member, D(20)), nothing, D(20), ["says visit_survey"]),
    Story(
        "caring_month",
        answered("household", D(20), caring="yes"),
        answered("household", D(20), caring="no"),
        date(2027, 2, 10),
        ["says caring_month"],
    ),
    Story("senior_season", born(date(1950, 8, 1)), born(date(1990, 8, 1)), date(2027, 3, 5), ["says senior_season"]),
    Story(
        "birthday",
        born(date(1990, 2, 9)),
        born(date(1990, 7, 9)),
        date(2027, 2, 1),
        ["coupon birthday", "says birthday"],
    ),
    Story(
        "vip_birthday",
        all_of(stands_on("black"), born(date(1990, 2, 9))),
        all_of(stands_on("gold"), born(date(1990, 2, 9))),
        date(2027, 2, 1),
        ["task"],
    ),
    Story("vip_away", all_of(bought(D(1), "x"), stands_on("gold")), bought(D(1), "x"), D(46), ["task"]),
    Story(
        "vip_wrote", all_of(stands_on("gold"), happened("texted", D(20))), happened("texted", D(20)), D(20), ["task"]
    ),
    Story("member_day", stands_on("gold"), nothing, date(2027, 2, 18), ["says member_day"]),
    Story(
        "black_invite",
        stands_on("black"),
        stands_on("gold"),
        date(2027, 2, 15),
        ["coupon black_table", "says black_invite"],
    ),
    Story("limited_early", stands_on("gold"), nothing, date(2027, 2, 27), ["says limited_early"]),
    Story(
        "box_month",
        lambda shop, member: box_bought(shop, member),
        nothing,
        date(2027, 2, 1),
        ["coupon box_tin", "says box_month", "task"],
    ),
    Story("year_end", told(account_type="business"), told(account_type="home"), date(2027, 12, 29), ["task"]),
    Story("business_reached", COMPANY, bought(D(5), "x", 250_000), D(20), ["task"]),
    Story("business_quarter", COMPANY, told(account_type="business"), date(2027, 4, 15), ["task"]),
    Story(
        "anniversary",
        nothing,
        lambda shop, member: setattr(member, "registered_at", None),
        date(2027, 11, 20),
        ["coupon anniversary_gift", "says anniversary"],
    ),
    Story(
        "thanks_month",
        nothing,
        lambda shop, member: setattr(member, "registered_at", None),
        date(2027, 10, 1),
        ["coupon thanks_100", "says thanks_month"],
    ),
]


def box_bought(shop: PresetShop, member: Member) -> None:
    """Buys a month of the box, which opens access as the row `box` says."""
    shop.buys(member, D(20), sku="BOX-31")
    shop.rows = ["box"]
    shop.clock(D(20), 13)
    shop.rows = ["box_month"]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.row)
def test_whoever_is_so_gets_it_once(shop: PresetShop, story: Story) -> None:
    shop.rows = [story.row]
    shop.clock(story.day - 9 * DAY)
    mei, other = shop.somebody(), shop.somebody()
    story.lived(shop, mei)
    story.other(shop, other)
    shop.night(story.day)
    for hour in (13, 17, 18):
        shop.clock(story.day, hour)
    shop.clock(story.day + DAY)
    assert (shop.has(mei), shop.has(other)) == (story.gets, [])


def test_a_child_grows_from_one_track_into_the_next_by_itself(shop: PresetShop) -> None:
    tracks = ["child_newborn", "child_half_year", "child_year"]
    shop.rows = tracks
    mei, other = shop.somebody(), shop.somebody()
    mei.custom = {"child_birth": "2027-01-20"}
    for n, day in enumerate((date(2027, 1, 15), date(2027, 1, 20), date(2027, 7, 20), date(2028, 1, 20))):
        for hour in (11, 12):
            shop.clock(day, hour)
        shop.clock(day + DAY)
        assert shop.has(mei) == sorted(f"says {track}" for track in tracks[:n])
    assert shop.has(other) == []
