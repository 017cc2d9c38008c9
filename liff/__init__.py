"""Members use the mini-app."""

from flask import Flask


def register(app: Flask) -> None:
    """Adds this door's routes and commands to the application."""
