"""The left column: which pages there are, in what order, for whom."""

from dataclasses import dataclass

from flask import current_app, request, url_for

import door
from console import roles
from domain.wording import mark

# (endpoint, words, who needs it on the left). Pages not built yet are simply not shown.
DESK = (
    ("console.review.page", mark("Review")),
    ("console.reports.page", mark("Reports")),
    ("console.scores.page", mark("Scores")),
    ("console.members.page", mark("Members")),
    ("console.segments.page", mark("Segments")),
    ("console.campaigns.page", mark("Campaigns")),
    ("console.automations.page", mark("Automations")),
    ("console.coupons.page", mark("Coupons")),
    ("console.missions.page", mark("Missions")),
    ("console.points.page", mark("Points")),
    ("console.surveys.page", mark("Surveys")),
    ("console.care.page", mark("Care")),
    ("console.programme.page", mark("Programme")),
    ("console.today.page", mark("Today")),
    ("console.scan.page", mark("Scan")),
    ("console.settings.page", mark("Settings")),
)
COUNTER = (
    ("console.today.page", mark("Today")),
    ("console.scan.page", mark("Scan")),
    ("console.me.page", mark("Me")),
)


@dataclass(frozen=True)
class Entry:
    """One line of the menu."""

    url: str
    words: str
    key: str
    is_here: bool


def navigation() -> list[Entry]:
    """The asker's pages: three tabs at the counter, the whole column at the desk."""
    rows = COUNTER if roles.me().role == "store" else DESK
    return [_entry(endpoint, words) for endpoint, words in rows if _is_open(endpoint)]


def _is_open(endpoint: str) -> bool:
    need = roles.need_of(endpoint)
    return endpoint in current_app.view_functions and need is not None and roles.may(need)


def _entry(endpoint: str, words: str) -> Entry:
    page = endpoint.rsplit(".", 1)[0]
    here = (request.endpoint or "").rsplit(".", 1)[0] == page
    return Entry(url_for(endpoint), door.words(words), page.rsplit(".", 1)[-1], here)
