"""Shops' systems and scripts call us."""

from flask import Flask


def register(app: Flask) -> None:
    """Adds this door's routes and commands to the application."""
    from api.commands import COMMANDS

    for command in COMMANDS:
        app.cli.add_command(command)
