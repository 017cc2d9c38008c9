"""`flask import`, `flask export` and `flask key`: data in and out by hand or by a script."""

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from api.checking import Check, check
from api.exporting import Exporter
from api.importing import Importer, Report
from api.mapping import Map, load_map
from domain.errors import Refusal
from domain.operations import keying
from domain.operations.auditing import audit
from door import service
from models.programme import the_brand

if TYPE_CHECKING:
    from rich.progress import Progress


@click.command("import")
@click.argument("what", type=click.Choice(["members", "purchases", "events"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--map", "map_name", help="How the file's columns become ours: a name in api/maps, or a file.")
@click.option("--rejected", type=click.Path(path_type=Path), help="Where refused lines go; FILE.rejected.csv.")
@click.option("--check", "only_check", is_flag=True, help="Show how the file would be read, and write nothing.")
@with_appcontext
def import_command(what: str, file: Path, map_name: str | None, rejected: Path | None, only_check: bool) -> None:
    """Load members, purchases or events. Loading the same file twice changes nothing."""
    rejected = rejected or file.with_name(file.name + ".rejected.csv")
    began = time.monotonic()
    now = _ready()
    try:
        chosen = load_map(map_name, what) if map_name else Map(reads=what)
        if only_check:
            _print_check(check(service().sessions, what, file, chosen, now=now))
            return
        with _bar(file.name) as bar:
            task = bar.add_task(what, total=file.stat().st_size)
            importer = Importer(
                service().sessions, what, file, chosen, rejected, now,
                progress=lambda done, size: bar.update(task, completed=done, total=size),
            )  # fmt: skip
            report = importer.run()
    except (Refusal, OSError) as error:
        raise click.ClickException(str(error)) from None
    _print(report, time.monotonic() - began)


def _ready() -> datetime:
    """The moment of the import, once the database is known to be migrated and to mean the money we were told."""
    wanted = service().extra["settings"].currency
    try:
        with service().sessions.reading() as session:
            kept = the_brand(session).currency
            now = service().clock.now(session)
    except (LookupError, SQLAlchemyError):
        raise click.ClickException("The database has no tables yet. Run `flask migrate` first.") from None
    if kept != wanted:
        raise click.ClickException(
            f"The database keeps {kept} and CURRENCY says {wanted}, so nothing was loaded. "
            "Run `flask migrate` to change it, or correct CURRENCY."
        )
    return now


def _bar(title: str) -> "Progress":
    # Only commands show progress; a web process need not pay for it.
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns: tuple[Any, ...] = (TextColumn(title), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), disable=not Console(stderr=True).is_terminal)


def _print(report: Report, seconds: float) -> None:
    click.echo(
        f"{report.lines} lines in {seconds:.1f} s: {report.accepted} loaded, {report.repeated} known already, "
        f"{report.rejected.total()} refused, {report.rounded} amounts rounded"
    )
    for reason, times in report.rejected.most_common():
        click.echo(f"  {times:>8}  {reason}")
    if report.rejected_file:
        click.echo(f"refused lines with their reasons: {report.rejected_file}")


def _print_check(found: Check) -> None:
    click.echo(
        f"{found.lines} lines: {found.good} would be read, {found.reasons.total()} refused. Nothing was written."
    )
    for each in found.shown:
        said = ", ".join(f"{name}={each.fields[name]}" for name in found.columns if each.fields.get(name))
        click.echo(f"  line {each.number}: {said}")
    for reason, times in found.reasons.most_common():
        click.echo(f"  {times:>8}  {reason}")
    for refused in found.refused:
        click.echo(f"  refused, line {refused.number}: {refused.reason}  [{refused.text}]")


@click.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def export_command(folder: Path) -> None:
    """Write all data into FOLDER: three files that can be imported back, and every table beside them."""
    from rich.console import Console

    with service().sessions.reading() as session, Console(stderr=True).status("exporting") as status:
        written = Exporter(session, folder).run(lambda name: status.update(f"exporting {name}"))
    with service().sessions.writing() as session:
        now = service().clock.now(session)
        audit(session, staff_id=None, action="exported", data={"lines": sum(written.values())}, now=now)
        session.commit()
    for name in ("members.csv", "purchases.csv", "events.jsonl"):
        click.echo(f"{written[name]:>10}  {folder / name}")
    click.echo(f"{len(written) - 3:>10}  tables in {folder / 'tables'}")


@click.group("key")
def key_group() -> None:
    """Keys for shops' systems that post to /api/v1."""


@key_group.command("add")
@click.argument("name")
@with_appcontext
def add_key_command(name: str) -> None:
    """Make a key; it is shown this once."""
    with service().sessions.writing() as session:
        try:
            key = keying.add_key(session, name=name, now=service().clock.now(session))
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None
        session.commit()
    click.echo(key)


@key_group.command("revoke")
@click.argument("name")
@with_appcontext
def revoke_key_command(name: str) -> None:
    """End a key; what still uses it is refused from now on."""
    with service().sessions.writing() as session:
        try:
            keying.revoke_key(session, name=name, now=service().clock.now(session))
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None
        session.commit()
    click.echo(f"{name} opens nothing any more")


COMMANDS: list[click.Command] = [import_command, export_command, key_group]
