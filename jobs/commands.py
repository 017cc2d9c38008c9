"""`flask migrate` and `flask job`; those of other files of this door are listed at the end."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from domain.calendar import calendar_of
from domain.operations.setting_up import set_up
from door import Service, service
from jobs.demo import COMMANDS as DEMO_COMMANDS
from jobs.metrics_command import COMMANDS as METRICS_COMMANDS
from jobs.runner import NIGHT, all_jobs, run_by_hand

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent.parent / "models" / "migrations"


def alembic_config(url: str) -> "Config":
    from alembic.config import Config  # a third of a second that only migrating needs

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


@click.command("migrate")
@with_appcontext
def migrate() -> None:
    """Bring the database to this version, and write the channel and brand rows from the settings."""
    from alembic import command

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


@click.command("job")
@click.argument("name")
@click.option("--now", "moment", help="As if it were this moment (ISO 8601; without a zone, local time).")
@with_appcontext
def job(name: str, moment: str | None) -> None:
    """Run one job now, whatever was run before. `night` runs the nightly ones in order."""
    known = {*all_jobs(), "night"}
    if name not in known:
        raise click.ClickException(f"no job {name!r}; there are: {', '.join(sorted(known))}")
    now = _moment(service(), moment)
    for each in NIGHT if name == "night" else (name,):
        report = run_by_hand(service().sessions, each, now=now, progress=lambda words: click.echo(words, err=True))
        click.echo(f"{each}: {json.dumps(report, ensure_ascii=False, default=str)}")


def _moment(found: Service, text: str | None) -> datetime:
    with found.sessions.reading() as session:
        if text is None:
            return found.clock.now(session)
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise click.ClickException(f"--now {text!r} is not a moment such as 2026-03-10T03:00") from None
        return moment if moment.tzinfo else moment.replace(tzinfo=calendar_of(session).zone)


COMMANDS: list[click.Command] = [migrate, job, *METRICS_COMMANDS, *DEMO_COMMANDS]
