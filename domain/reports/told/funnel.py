"""From being reached to buying again in the shop, step by step: how many members came how far within 30 days, and at
which step most were lost.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.errors import NotFound
from domain.metrics._shape import first_paragraph
from domain.reports.funnel import STEPS, Step, counted, funnel, people_at
from domain.reports.told._months import month_choice
from domain.reports.told._shape import Asked, Bars, Cell, Choice, Document, Listed, Page, Table, Teller, Told
from domain.wording import mark
from models.people_set import read_set

WORDS = {
    "reach": mark("Reached by a message"),
    "browse": mark("Looked at a product"),
    "cart": mark("Put it in the cart"),
    "order": mark("Ordered"),
    "pick_up": mark("Collected it"),
    "repurchase": mark("Bought again within 90 days"),
}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return [month_choice(session, given.get("month"), say, now, label=say("Reached in"), default=2)]


def _bounds(session: Session, asked: Asked) -> tuple[datetime, datetime]:
    return calendar_of(session).month_bounds(Month.parse(asked["month"]))


def count(session: Session, asked: Asked, now: datetime) -> Document:
    since, until = _bounds(session, asked)
    found = counted(session, since=since, until=until, now=now)
    return {"steps": [[step.name, step.count] for step in found.steps]}


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    names = [name for name, _ in document["steps"]]
    found = funnel([n for _, n in document["steps"]], names=names)
    top, month = found.steps[0].count, say.month(asked["month"])
    if not top:
        return Told(say("No message reached anyone in %(month)s.", month=month), has_data=False)
    ordered = next(step.count for step in found.steps if step.name == "order")
    answer = say(
        "Of %(top)s members reached in %(month)s, %(ordered)s ordered within 30 days.", top=f"{top:,}", month=month,
        ordered=f"{ordered:,}",
    )  # fmt: skip
    more = []
    if found.worst:
        before, after = (say(WORDS[name]) for name in found.worst)
        more.append(say("Most are lost between “%(one)s” and “%(other)s”.", one=before, other=after))
    if "repurchase" not in names:
        more.append(say("Whether they bought again is told once everyone's 90 days have passed."))
    bars = [(say(WORDS[step.name]), float(step.count), f"{step.count:,}") for step in found.steps]
    return Told(answer, more=more, chart=Bars(say("How far they came"), bars), tables=[_table(found.steps, say)])


def _table(steps: Sequence[Step], say: Teller) -> Table:
    following = [*(step.count for step in steps[1:]), steps[-1].count]
    rows, before = [], 0
    for place, (step, after) in enumerate(zip(steps, following, strict=True)):
        stopped = step.count - after
        rows.append([
            Cell(say(WORDS[step.name])),
            Cell(f"{step.count:,}", people=str(place) if step.count else ""),
            Cell(say.share(step.count, before), note=say.between(step.count, before) if before else ""),
            Cell(say.share(step.count, steps[0].count) or "–"),
            Cell(f"{stopped:,}" if stopped else "", people=f"{place}!" if stopped else ""),
        ])  # fmt: skip
        before = step.count
    columns = (say("Step"), say("People"), say("Of the step before"), say("Of all"), say("Came no further"))
    return Table(say("Step by step"), columns, rows, about=say("A later step implies the earlier ones."))


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    place, stopped = name.rstrip("!"), name.endswith("!")
    if not place.isdigit() or int(place) >= len(STEPS):
        raise NotFound(mark("There is no such list. Open it from the report."))
    since, until = _bounds(session, asked)
    words = say(WORDS[STEPS[int(place)]])
    called = say("%(step)s and came no further", step=words) if stopped else words
    return Listed(read_set(session, people_at(since, until, int(place), stopped=stopped)), called)


def nightly(session: Session, now: datetime) -> list[dict[str, str]]:
    running = calendar_of(session).month_of(now)
    return [{"month": str(running.plus(-back))} for back in range(4)]


PAGE = Page(
    key="funnel",
    place=12,
    group="moving",
    title=mark("The shop's funnel"),
    about=first_paragraph(__doc__),
    rests_on=mark(
        "messages that reached people, what the shop tells us of browsing, carts and collections, and orders"
    ),
    trust=mark(
        "A step the shop does not tell us of looks empty, and the next implies it. Members who came without a message "
        "are not in it."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
    nightly=nightly,
)
