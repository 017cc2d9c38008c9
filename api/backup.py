"""`flask backup FILE` and `flask restore FILE`, for SQLite. PostgreSQL has its own two: pg_dump and pg_restore."""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from domain.reports.health import processes
from door import service
from models import revisions
from models.clock import machine_now

ELSEWHERE = """This database is PostgreSQL, which brings its own:
  pg_dump --format=custom --file=FILE "$DATABASE_URL"
  pg_restore --clean --if-exists --no-owner --exit-on-error --dbname="$DATABASE_URL" FILE"""


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def backup(file: Path) -> None:
    """Copy the whole database to FILE while everything goes on, and check the copy. SECRET_KEY is kept apart."""
    written = file.with_name(f"{file.name}.part")
    written.unlink(missing_ok=True)
    with closing(sqlite3.connect(_database())) as source, closing(sqlite3.connect(written)) as copy:
        source.backup(copy)  # one reading, of one moment; who writes meanwhile is not held up
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    _require_whole(written)
    _put(written, file)
    click.echo(f"{file}: {file.stat().st_size / 2**20:.1f} MB, whole")


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@with_appcontext
def restore(file: Path) -> None:
    """Put the database of FILE in the place of the present one, which is kept beside it. Stop everything first."""
    _require_whole(file)
    _require_stillness()
    service().sessions.engine.dispose()
    target = Path(_database())
    target.parent.mkdir(parents=True, exist_ok=True)
    coming = target.with_name(f"{target.name}.coming")
    shutil.copyfile(file, coming)
    if target.exists():
        with closing(sqlite3.connect(target)) as old:  # what is still beside it goes into it
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.replace(target, target.with_name(f"{target.name}.before-restore"))
    for leftover in ("-wal", "-shm"):
        target.with_name(target.name + leftover).unlink(missing_ok=True)
    _put(coming, target)
    click.echo(f"{target} is as {file} was. Now: flask migrate, then start everything.")


def _database() -> str:
    url = service().sessions.engine.url
    if url.get_backend_name() != "sqlite":
        raise click.ClickException(ELSEWHERE)
    return str(url.database)


def _require_whole(file: Path) -> None:
    """Raises unless SQLite finds every page and index of it in order, and it is a database of ours."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as found:
            (words,) = found.execute("PRAGMA integrity_check").fetchone()
            (revision,) = found.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        raise click.ClickException(f"{file} is not a database of ours: {error}") from None
    if words != "ok":
        raise click.ClickException(f"{file} is damaged: {words}")
    if revision not in revisions.known():
        raise click.ClickException(f"{file} is of a newer version ({revision}): bring the product up to it first")


def _require_stillness() -> None:
    with suppress(SQLAlchemyError), service().sessions.reading() as session:  # a broken one has nobody at work
        alive = [f"{each.kind} {each.name}" for each in processes(session, machine_now(session))]
        if alive:
            raise click.ClickException(f"still at work: {', '.join(alive)}. Stop them (a killed one: wait a minute).")


def _put(written: Path, place: Path) -> None:
    """Renamed once it is on the disk: a power cut leaves the old or the new, never half."""
    with written.open("rb+") as handle:
        os.fsync(handle.fileno())
    os.replace(written, place)
    folder = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


COMMANDS: list[click.Command] = [backup, restore]
