"""`flask programme export|diff|apply FILE`: the programme as one readable file."""

from pathlib import Path
from typing import Any

import click
import yaml
from flask.cli import AppGroup, with_appcontext

import door
from domain.errors import Invalid
from domain.operations import programme
from domain.wording import say

programme_group = AppGroup("programme", help="The programme as a file: tiers, tags, segments, coupons, automations.")
SPEAKING = "en"  # commands speak English; pages speak the person's language


def _read(path: Path) -> programme.Programme:
    try:
        return programme.read(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise click.ClickException(f"{path} cannot be read as YAML: {error}") from None
    except Invalid as refusal:
        raise click.ClickException(say(SPEAKING, refusal.message, **refusal.values)) from None


@programme_group.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def export(file: Path) -> None:
    """Write the programme as it stands to FILE."""
    with door.service().sessions.reading() as session:
        made: dict[str, Any] = programme.export(session)
    file.write_text(yaml.safe_dump(made, allow_unicode=True, sort_keys=False, width=120), encoding="utf-8")
    click.echo(f"wrote {file}")


@programme_group.command("diff")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def diff(file: Path) -> None:
    """Say what applying FILE would change."""
    wanted = _read(file)
    with door.service().sessions.reading() as session:
        _show(programme.diff(session, wanted))


@programme_group.command("apply")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@with_appcontext
def apply(file: Path) -> None:
    """Make the programme what FILE says, all of it or nothing."""
    wanted = _read(file)
    with door.service().sessions.writing() as session:
        done = programme.apply(session, wanted, by="command", now=door.service().clock.now(session))
        session.commit()
    _show(done)


def _show(changes: list[Any]) -> None:
    click.echo("\n".join(change.words() for change in changes) or "  nothing to change")
