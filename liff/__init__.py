"""Members use the mini-app: one file per screen's API, `pages.py` for the shells, `session.py` for who is asking.

To add a screen: an API file with a blueprint made by `screens.api_blueprint` (its handlers take
`session.member()` or `session.person()` first), a row in `pages.SCREENS`, a template that extends
`liff/base.html`, and a module under `static/` that calls `start` of `app.js`. Words in modules go through
`_("…")`; pages carry the translations of the modules they load. A test checks every route has a guard.
"""

from apiflask import APIFlask


def register(app: APIFlask) -> None:
    """Adds this door's routes and commands to the application."""
    from liff import blueprints as made
    from liff import limits, pages, screens

    screens.prepare(app)
    for blueprint in made.BLUEPRINTS:
        app.register_blueprint(blueprint)
    pages.prepare(app)
    limits.prepare(app)
