"""Shops' systems and scripts call us."""

from apiflask import APIFlask


def register(app: APIFlask) -> None:
    """Adds this door's routes and commands to the application."""
    from api import backup, doors
    from api.commands import COMMANDS
    from api.programme_commands import programme_group

    doors.open_all(app)
    for command in (*COMMANDS, *backup.COMMANDS, programme_group):
        app.cli.add_command(command)
