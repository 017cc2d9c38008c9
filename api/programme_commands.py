"""`flask programme export|diff|apply|plan …`: the programme as one readable file, with its versions."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import select

import door
from domain.calendar import calendar_of
from domain.errors import Refusal
from domain.operations import programme
from domain.operations.auditing import audit
from domain.wording import say
from models.mission import ProgrammeVersion

programme_group = AppGroup("programme", help="The programme as a file: tiers, tags, segments, coupons, automations.")
SPEAKING = "en"  # commands speak English; pages speak the person's language
FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
DRY = click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")


def _refused(refusal: Refusal) -> click.ClickException:
    return click.ClickException(say(SPEAKING, refusal.message, **refusal.values))


def _read(path: Path) -> programme.Programme:
    try:
        return programme.read_text(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from None
    except Refusal as refusal:
        raise _refused(refusal) from None


@programme_group.command("export")
@FILE
@with_appcontext
def export(file: Path) -> None:
    """Write the programme as it stands to FILE."""
    with door.service().sessions.reading() as session:
        made: dict[str, Any] = programme.export(session)
    file.write_text(programme.write_text(made), encoding="utf-8")
    click.echo(f"wrote {file}")


@programme_group.command("diff")
@FILE
@with_appcontext
def diff(file: Path) -> None:
    """Say what applying FILE would change, and how many people each change concerns."""
    _show(_read(file))


@programme_group.command("apply")
@FILE
@click.option("--from", "day", type=click.DateTime(["%Y-%m-%d"]), help="Plan it for the beginning of this day.")
@click.option("--words", default="", help="What it is for, for the list of versions.")
@DRY
@YES
@with_appcontext
def apply(file: Path, day: datetime | None, words: str, dry_run: bool, yes: bool) -> None:
    """Make the programme what FILE says, all of it or nothing, now or from a day."""
    wanted = _read(file)
    _show(wanted)
    if dry_run or not _agreed(yes):
        return
    try:
        with door.service().sessions.writing() as session:
            now = door.service().clock.now(session)
            if day is None:
                programme.apply(session, wanted, by="command", words=words, now=now)
            else:
                begins = calendar_of(session).start(day.date())
                programme.plan(session, wanted, by="command", applies_at=begins, words=words, now=now)
            data = {"by": "command", **({"from": f"{day:%Y-%m-%d}"} if day else {})}
            audit(
                session, staff_id=None, action="programme_planned" if day else "programme_applied", data=data, now=now
            )
            session.commit()
    except Refusal as refusal:
        raise _refused(refusal) from None
    click.echo(f"planned for {day:%Y-%m-%d}" if day else "applied")


@programme_group.command("versions")
@with_appcontext
def versions() -> None:
    """List the programmes that were applied or are planned, the latest first."""
    with door.service().sessions.reading() as session:
        calendar = calendar_of(session)
        for version in programme.versions(session):
            at = (version.applied_at or version.applies_at).astimezone(calendar.zone)
            told = "  ".join(filter(None, (version.by, version.words, version.error)))
            click.echo(f"{version.sha}  {version.state:9}  {at:%Y-%m-%d %H:%M}  {told}".rstrip())


@programme_group.command("rollback")
@click.argument("sha")
@DRY
@YES
@with_appcontext
def rollback(sha: str, dry_run: bool, yes: bool) -> None:
    """Go back to the version whose name begins with SHA (see `flask programme versions`)."""
    try:
        with door.service().sessions.reading() as session:
            _, wanted = programme.going_back(session, sha)
        _show(wanted)
        if dry_run or not _agreed(yes):
            return
        with door.service().sessions.writing() as session:
            now = door.service().clock.now(session)
            programme.roll_back(session, sha, by="command", now=now)
            audit(session, staff_id=None, action="programme_applied", data={"by": "command", "back_to": sha}, now=now)
            session.commit()
    except Refusal as refusal:
        raise _refused(refusal) from None
    click.echo(f"went back to {sha}")


@programme_group.command("cancel")
@click.argument("sha")
@with_appcontext
def cancel(sha: str) -> None:
    """Do not apply the planned version SHA."""
    with door.service().sessions.writing() as session:
        planned = select(ProgrammeVersion).where(
            ProgrammeVersion.sha == sha, ProgrammeVersion.state.in_(("planned", "failed"))
        )
        found = session.scalars(planned).all()
        for version in found:
            programme.cancel(session, version)
        session.commit()
    click.echo(f"cancelled {len(found)}")


def _show(wanted: programme.Programme) -> None:
    """What would change, with whom each change concerns, and what is worth a second thought."""
    with door.service().sessions.reading() as session:
        touched = programme.touches(session, wanted, now=door.service().clock.now(session))
        for advice in programme.advice(session, wanted):
            click.echo(f"  ! {say(SPEAKING, advice.words, **advice.values)}")
    for change, touches in touched:
        click.echo(change.words())
        for touch in touches:
            click.echo(f"      {say(SPEAKING, touch.words, **touch.values)}")
    if not touched:
        click.echo("  nothing to change")


def _agreed(yes: bool) -> bool:
    """Asks a person at a terminal; a script has said what it wants by running."""
    return yes or not sys.stdin.isatty() or click.confirm("Apply?")
