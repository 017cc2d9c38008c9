"""Staff and marketers at work.

One file per page. A page's file has `blueprint = Blueprint("review", __name__, url_prefix="/review")`, its
routes carry `@needs("viewer")` (roles.py) directly under the route, its templates extend
`console/base.html` and live in templates/console/, and it is added to PAGES below. The endpoint is then
`console.review.NAME`. Writing: call one operation with `door.session()`, `audit()` it, commit, redirect with 303.
"""

from flask import Flask

from console import (
    automations,
    campaigns,
    care,
    commands,
    coupons,
    draws,
    export,
    health,
    imports,
    login,
    me,
    members,
    missions,
    people_review,
    points,
    programme,
    programme_entries,
    programme_versions,
    reports,
    review,
    scan,
    scores,
    segments,
    sending,
    settings,
    shell,
    sources,
    stuck,
    surveys,
    tier_by_hand,
    tier_what_if,
    today,
)

PAGES = (
    login.blueprint,
    me.blueprint,
    today.blueprint,
    scan.blueprint,
    review.blueprint,
    reports.blueprint,
    scores.blueprint,
    members.blueprint,
    people_review.blueprint,
    segments.blueprint,
    campaigns.blueprint,
    sending.blueprint,
    settings.blueprint,
    stuck.blueprint,
    health.blueprint,
    export.blueprint,
    imports.blueprint,
    automations.blueprint,
    coupons.blueprint,
    missions.blueprint,
    draws.blueprint,
    points.blueprint,
    surveys.blueprint,
    care.blueprint,
    programme.blueprint,
    programme_entries.blueprint,
    programme_versions.blueprint,
    tier_what_if.blueprint,
    tier_by_hand.blueprint,
    sources.blueprint,
)


def register(app: Flask) -> None:
    """Adds this door's routes and commands to the application."""
    login.prepare(app)
    app.register_blueprint(shell.make_console(PAGES))
    login.limit(app)
    for command in commands.COMMANDS:
        app.cli.add_command(command)
