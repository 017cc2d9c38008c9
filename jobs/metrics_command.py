"""`flask metrics YYYY-MM`: the month's journey figures, for scripts (`--json`) or for a terminal."""

import json

import click
from flask.cli import with_appcontext

from domain.calendar import Month
from domain.errors import Refusal
from domain.reports.judging import interval
from domain.reports.monthly_review import Entry, Review, review
from domain.reports.review_json import as_json
from door import service


@click.command("metrics")
@click.argument("month")
@click.option("--json", "is_json", is_flag=True, help="Print everything as JSON; shares are fractions of 1.")
@with_appcontext
def metrics(month: str, is_json: bool) -> None:
    """Print the journey figures of MONTH (such as 2026-03)."""
    try:
        wanted = Month.parse(month)
    except ValueError:
        raise click.ClickException(f"{month!r} is not a month such as 2026-03") from None
    with service().sessions.reading() as session:
        try:
            found = review(session, wanted, now=service().clock.now(session))
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None
    click.echo(json.dumps(as_json(found), ensure_ascii=False, indent=2) if is_json else _table(found))


def _table(found: Review) -> str:
    state = "closed" if found.is_closed else "not closed"
    return "\n".join([f"{found.month} ({state})", *(_line(entry) for entry in found.entries)])


def _line(entry: Entry) -> str:
    figure, bounds = entry.figure, interval(entry.figure, exact=entry.metric.exact)
    percent = "no data" if figure.value is None else f"{figure.value:.1%}"
    between = f" [{bounds.low:.1%}, {bounds.high:.1%}]" if bounds else ""
    trend = f"  {entry.change.trend}" if entry.change else ""
    return f"{entry.metric.key:22} {figure.who:>7} of {figure.of:<7} {percent}{between}{trend}"


COMMANDS: list[click.Command] = [metrics]
