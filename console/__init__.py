"""Staff and marketers at work."""

from flask import Flask


def register(app: Flask) -> None:
    """Adds this door's routes and commands to the application."""
