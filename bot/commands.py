"""`flask line check` says what is wrong with the LINE set-up; `flask line menus` publishes the rich menus."""

import sys

import click
from flask.cli import AppGroup

from door import service
from line.client import LineClient, LineTrouble

line_commands = AppGroup("line", help="The LINE account: is it set up, and its menus.")


@line_commands.command("check")
@click.option("--call", is_flag=True, help="Also have LINE call the webhook now.")
def check(call: bool) -> None:
    """Look at every part of the LINE set-up and say in plain lines what is wrong."""
    from bot import checkup

    findings = checkup.check(service(), LineClient(service().extra["line"]), call=call)
    for finding in findings:
        click.echo(f"{'ok     ' if finding.is_fine else 'WRONG  '} {finding.words}")
    wrong = sum(not finding.is_fine for finding in findings)
    click.echo("everything is in order" if not wrong else f"{wrong} to put right")
    sys.exit(1 if wrong else 0)


@line_commands.command("menus")
def publish() -> None:
    """Draw the rich menus, publish those that changed, and link them by language."""
    from bot import menus  # Pillow: only this command pays for importing it

    try:
        done = menus.publish_all(service(), LineClient(service().extra["line"]))
    except LineTrouble as trouble:
        sys.exit(f"the menus are not published: {trouble}. Run `flask line check`, then this again.")
    for each in done:
        state = "published" if each.is_new else "unchanged"
        click.echo(f"{each.language:8} {state}, linked to {each.linked} friends")
