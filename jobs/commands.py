"""`flask migrate`, and (as they come) `flask job` and its siblings."""

from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from flask.cli import with_appcontext

from domain.operations.setting_up import set_up
from door import service

MIGRATIONS = Path(__file__).parent.parent / "models" / "migrations"


def alembic_config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


@click.command("migrate")
@with_appcontext
def migrate() -> None:
    """Bring the database to this version, and write the channel and brand rows from the settings."""
    settings = service().extra["settings"]
    command.upgrade(alembic_config(settings.database_url), "head")
    with service().sessions.writing() as session:
        set_up(
            session,
            business_timezone=settings.business_timezone,
            currency=settings.currency,
            public_url=settings.public_url,
            liff_id=settings.liff_id,
            login_channel_id=settings.line_login_channel_id,
            now=service().clock.now(session),
        )
        session.commit()
    click.echo("database is up to date")


COMMANDS: list[click.Command] = [migrate]
