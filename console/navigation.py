"""The left column: which pages there are, in what order, for whom."""

from dataclasses import dataclass

from flask import current_app, request, url_for

import door
from console import roles
from domain.wording import mark

# (endpoint, words) in groups: the first of a group leads it, the others stand under it.
DESK = (
    (
        ("console.review.page", mark("Review")),
        ("console.reports.page", mark("Reports")),
        ("console.scores.page", mark("Scores")),
    ),
    (
        ("console.members.page", mark("Members")),
        ("console.people_review.page", mark("Same person?")),
        ("console.care.page", mark("Care")),
    ),
    (
        ("console.campaigns.page", mark("Campaigns")),
        ("console.automations.page", mark("Automations")),
        ("console.segments.page", mark("Segments")),
    ),
    (
        ("console.programme.page", mark("Programme")),
        ("console.coupons.page", mark("Coupons")),
        ("console.missions.page", mark("Missions")),
        ("console.draws.page", mark("Draws")),
        ("console.points.page", mark("Points")),
        ("console.surveys.page", mark("Surveys")),
        ("console.sources.page", mark("Entry sources")),
    ),
    (
        ("console.today.page", mark("Today")),
        ("console.scan.page", mark("Scan")),
    ),
    (("console.settings.page", mark("Settings")),),
)
COUNTER = (
    (("console.today.page", mark("Today")),),
    (("console.scan.page", mark("Scan")),),
    (("console.me.page", mark("Me")),),
)
# Pages that are reached from another, and belong to its line of the menu.
BELONGS_TO = {
    "export": "settings",
    "imports": "members",
    "programme_entries": "programme",
    "programme_versions": "programme",
    "sending": "campaigns",
    "stuck": "settings",
    "tier_by_hand": "members",
    "tier_what_if": "programme",
}


@dataclass(frozen=True)
class Entry:
    """One line of the menu."""

    url: str
    words: str
    key: str
    is_here: bool


@dataclass(frozen=True)
class Group:
    """A line of the menu with what stands under it; on a phone only the group one is in opens."""

    head: Entry
    below: list[Entry]

    @property
    def is_here(self) -> bool:
        return self.head.is_here or any(each.is_here for each in self.below)


def navigation() -> list[Group]:
    """The asker's pages: three tabs at the counter, the whole column at the desk."""
    groups = COUNTER if roles.me().role == "store" else DESK
    found = ([_entry(endpoint, words) for endpoint, words in group if _is_open(endpoint)] for group in groups)
    return [Group(entries[0], entries[1:]) for entries in found if entries]


def _is_open(endpoint: str) -> bool:
    need = roles.need_of(endpoint)
    return endpoint in current_app.view_functions and need is not None and roles.may(need)


def _entry(endpoint: str, words: str) -> Entry:
    key = endpoint.split(".")[-2]
    here = (request.endpoint or "").split(".")[-2:][0]
    return Entry(url_for(endpoint), door.words(words), key, BELONGS_TO.get(here, here) == key)
