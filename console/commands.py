"""`flask staff …`: who works with the console."""

import sys

import click
from flask.cli import AppGroup

from console.login import machine_now
from domain.errors import Refusal
from domain.operations import staffing
from door import service
from models.staff import ROLES

staff = AppGroup("staff", help="Who works with the console.")


@staff.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What they may do.")
@click.option("--store", help="Key of the store, for role store.")
def add(name: str, role: str, store: str | None) -> None:
    """Add NAME and print the one-time link that lets them choose a password."""
    with service().sessions.writing() as session:
        try:
            _, token = staffing.invite(session, login=name, name=name, role=role, store_key=store, now=machine_now())
        except Refusal as refusal:
            sys.exit(str(refusal))
        session.commit()
    click.echo(invite_link(token))


@staff.command("link")
@click.argument("name")
def link(name: str) -> None:
    """Print a new one-time link for NAME: a forgotten password, a lost second factor, a lock-out."""
    with service().sessions.writing() as session:
        try:
            found = staffing.find(session, name)
        except Refusal as refusal:
            sys.exit(str(refusal))
        token = staffing.new_link(session, found, by_id=None, now=machine_now())
        session.commit()
    click.echo(invite_link(token))


def invite_link(token: str) -> str:
    """Where the holder of `token` chooses a password."""
    return f"{service().public_url}/console/invite/{token}"


COMMANDS: list[click.Command] = [staff]
