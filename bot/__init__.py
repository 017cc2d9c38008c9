"""LINE calls us: verify, store, acknowledge; then read what came, one transaction per event."""

import threading
from collections.abc import Callable
from dataclasses import replace

from flask import Flask

from door import Service
from models.session import unhurried


def register(app: Flask) -> None:
    from bot.commands import line_commands
    from bot.links import limit, links
    from bot.webhook import Webhook
    from models.letterbox import Letterbox

    service: Service = app.extensions["regulars"]
    letterbox = Letterbox(service.sessions.engine)
    app.wsgi_app = Webhook(app.wsgi_app, letterbox=letterbox, secret=service.channel_secret)  # type: ignore[method-assign]  # Flask documents it so
    app.register_blueprint(links)
    limit(app)
    app.cli.add_command(line_commands)


def loops(service: Service) -> list[Callable[[threading.Event], None]]:
    """What the worker runs for this door."""
    from bot.inbox import InboxReader

    return [InboxReader(replace(service, sessions=unhurried(service.sessions))).run]
