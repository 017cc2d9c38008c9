"""Triggers say when they begin in words, and refuse what they were not made for."""

from typing import Any

import pytest

from domain import triggers

SAID = {
    "anniversary": ({"field": "wedding"}, "each year on the day of wedding"),
    "tier_reached": ({"tiers": ["gold", "black"]}, "when they reach the tier gold or black"),
    "after_event": ({"event": "registered"}, "after: became a known member"),
    "before_access_ends": ({"access": "club", "days": 30}, "when access to club ends in 30 days"),
    "before_booking": ({"hours": 3}, "3 hours before a booked visit"),
    "before_coupon_ends": ({"days": 3}, "when a coupon of theirs ends in 3 days"),
    "before_points_expire": ({"days": 30}, "when points of theirs end in 30 days"),
    "birth_month": ({}, "when their birth month begins"),
    "bought": ({"skus": ["CLUB", "CLUB-M"]}, "after buying CLUB or CLUB-M"),
    "days_since": ({"last": "purchase", "days": 30}, "when 30 days have passed since the last purchase"),
    "mission_reached": ({"mission": "stamps"}, "when the mission stamps is reached"),
    "on_day": ({"days": ["08", "11-20"]}, "on 08 or 11-20"),
    "rule_holds": (
        {"rule": {"condition": "is_friend"}},
        "when this becomes true: is a friend on LINE",
    ),
}


def test_every_trigger_is_known_here() -> None:
    assert set(triggers.kinds()) == set(SAID)


@pytest.mark.parametrize("name", SAID)
def test_a_trigger_says_itself_in_words(name: str) -> None:
    params, words = SAID[name]
    assert triggers.words({"on": name, **params}, "en") == words


@pytest.mark.parametrize(
    "trigger",
    [
        {}, {"on": "full_moon"}, {"on": "birth_month", "day": 3}, {"on": "days_since", "last": "smile", "days": 3},
        {"on": "before_booking"}, {"on": "before_booking", "days": 1, "hours": 2},
        {"on": "after_event", "event": "sneezed"},
    ],
)  # fmt: skip
def test_what_it_was_not_made_for_is_refused_by_name(trigger: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="trigger"):
        triggers.parse(trigger)


def test_an_event_narrowed_to_what_it_was_about_says_so() -> None:
    trigger = {"on": "after_event", "event": "tagged", "object": "honest_finder"}
    assert triggers.words(trigger, "en") == "after: was given a tag, or had it renewed (honest_finder)"
