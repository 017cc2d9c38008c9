"""From the first message to the second purchase: of the people first reached in a month, how many became known,
came by, bought, bought again and rose a tier within 90 days, and where most were lost.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.errors import NotFound
from domain.metrics._intervals import GREY
from domain.metrics._shape import first_paragraph
from domain.reports.path import STEPS, WITHIN_HOURS, Step, path, people_at
from domain.reports.told._months import last_months, month_choice
from domain.reports.told._shape import Asked, Bars, Cell, Choice, Document, Listed, Page, Table, Teller, Told
from domain.wording import mark
from models.people_set import read_set

WORDS = {
    "reached": mark("Reached for the first time"),
    "identified": mark("Became a member"),
    "visited": mark("Came by, booked or acted"),
    "bought": mark("Bought"),
    "again": mark("Bought again"),
    "rose": mark("Rose a tier"),
}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return [month_choice(session, given.get("month"), say, now, label=say("First reached in"), default=3)]


def _bounds(session: Session, asked: Asked) -> tuple[datetime, datetime]:
    return calendar_of(session).month_bounds(Month.parse(asked["month"]))


def count(session: Session, asked: Asked, now: datetime) -> Document:
    since, until = _bounds(session, asked)
    steps = path(session, since=since, until=until, zone=calendar_of(session).zone.key)
    is_ripe = now >= until + timedelta(hours=WITHIN_HOURS)
    return {"steps": [[each.name, each.count, each.days] for each in steps], "is_ripe": is_ripe}


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    steps, month = [Step(*each) for each in document["steps"]], say.month(asked["month"])
    total = steps[0].count
    if not total:
        return Told(say("Nobody was reached for the first time in %(month)s.", month=month), has_data=False)
    counts = {step.name: step.count for step in steps}
    answer = say(
        "Of %(total)s people first reached in %(month)s, %(bought)s bought and %(again)s bought again within 90 days.",
        total=f"{total:,}", month=month, bought=f"{counts['bought']:,}", again=f"{counts['again']:,}",
    )  # fmt: skip
    more = []
    if not document["is_ripe"]:
        more.append(say("Not everyone's 90 days have passed: these counts can still grow."))
    lost = _worst(steps)
    if lost:
        words = [say(WORDS[name]) for name in lost]
        more.append(say("Most are lost between “%(one)s” and “%(other)s”.", one=words[0], other=words[1]))
    bars = [(say(WORDS[step.name]), float(step.count), f"{step.count:,}") for step in steps]
    return Told(answer, more=more, chart=Bars(say("How far they came"), bars), tables=[_table(steps, say)])


def _worst(steps: list[Step]) -> tuple[str, str] | None:
    """The step with the lowest rate, of those with people enough to tell."""
    rated = [
        (after.count / before.count, (before.name, after.name))
        for before, after in pairwise(steps)
        if before.count >= GREY
    ]
    return min(rated)[1] if rated else None


def _table(steps: list[Step], say: Teller) -> Table:
    following = [*(step.count for step in steps[1:]), steps[-1].count]
    rows = []
    for place, (step, after) in enumerate(zip(steps, following, strict=True)):
        before, stopped = steps[place - 1].count if place else 0, step.count - after
        rows.append([
            Cell(say(WORDS[step.name])),
            Cell(f"{step.count:,}", people=f"{place}" if step.count else ""),
            Cell(say.share(step.count, before), note=say.between(step.count, before) if before else ""),
            Cell(say.share(step.count, steps[0].count) or "–"),
            Cell("" if step.days is None else f"{step.days:.0f}"),
            Cell(f"{stopped:,}" if stopped else "", people=f"{place}!" if stopped else ""),
        ])  # fmt: skip
    columns = (
        say("Step"), say("People"), say("Of the step before"), say("Of all"), say("Median days"), say("Came no further")
    )  # fmt: skip
    return Table(say("Step by step"), columns, rows, about=say("A later step implies the earlier ones."))


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    place, stopped = name.rstrip("!"), name.endswith("!")
    if not place.isdigit() or int(place) >= len(STEPS):
        raise NotFound(mark("There is no such list. Open it from the report."))
    since, until = _bounds(session, asked)
    words = say(WORDS[STEPS[int(place)]])
    called = say("%(step)s and came no further", step=words) if stopped else words
    ids = people_at(since, until, int(place), stopped=stopped)
    return Listed(read_set(session, ids), f"{called}, {say.month(asked['month'])}")


def nightly(session: Session, now: datetime) -> list[dict[str, str]]:
    running = Month.parse(last_months(session, now)[0])
    return [{"month": str(running.plus(-back))} for back in range(4)]


PAGE = Page(
    key="path",
    place=11,
    group="moving",
    title=mark("From first message to second purchase"),
    about=first_paragraph(__doc__),
    rests_on=mark("messages accepted by LINE, registrations, visits and key actions, orders, and the tier ledger"),
    trust=mark(
        "People known before their first message on record seem to begin with it. Who buys without being recognised "
        "looks lost."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
    nightly=nightly,
)
