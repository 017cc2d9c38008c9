"""The quarter's review of how often to write: for each segment how many messages a person got, how many answered and
bought again, and after how many days without a purchase its own pace asks for a word. What was decided is noted here.
"""

from collections.abc import Mapping
from dataclasses import astuple
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import NotFound
from domain.metrics._shape import first_paragraph
from domain.reports.cadence import LEAST_PACES, Cadence, Quarter, cadences, people_in
from domain.reports.kept import noted
from domain.reports.told._months import quarter_of
from domain.reports.told._shape import (
    Asked,
    Bars,
    Cell,
    Choice,
    Document,
    Listed,
    Noting,
    Page,
    Table,
    Teller,
    Told,
    chosen,
)
from domain.wording import mark
from models.people_set import read_set
from models.programme import Segment

BACK = 8
WHAT = {"people": mark("everyone"), "buyers": mark("bought"), "again": mark("bought again")}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    running = calendar_of(session).month_of(now)
    quarters = [quarter_of(running.plus(-3 * back)) for back in range(BACK)]
    return [Choice("quarter", say("Quarter"), [(each, each) for each in quarters],
                   chosen([(each, each) for each in quarters], given.get("quarter"), quarters[1]))]  # fmt: skip


def count(session: Session, asked: Asked, now: datetime) -> Document:
    found = cadences(session, Quarter.parse(asked["quarter"]), calendar_of(session), now=now)
    return {"segments": [list(astuple(each)) for each in found], "noted": noted(session, f"cadence:{asked['quarter']}")}


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    found = [Cadence(*each) for each in document["segments"]]
    if not found:
        return Told(say("There is no segment yet. Make one under Segments; its cadence appears here."), has_data=False)
    most = max(found, key=lambda each: each.a_person)
    answer = say(
        "In %(quarter)s the segment “%(name)s” was written to most: %(n)s messages a person.", quarter=asked["quarter"],
        name=most.name, n=f"{most.a_person:.1f}",
    )  # fmt: skip
    proposed = [each for each in found if each.proposed_days]
    more = [say(
        "“%(name)s” buys every %(pace)s days or so: a word after %(days)s days without a purchase may help.",
        name=each.name, pace=round(each.pace or 0), days=each.proposed_days,
    ) for each in proposed[:3]]  # fmt: skip
    bars = [(each.name, each.a_person, f"{each.a_person:.1f}") for each in found[:10]]
    notes: dict[str, Any] = document["noted"]
    notings = [
        Noting(f"cadence:{asked['quarter']}", each.name, notes.get(each.name, {}).get("words", ""),
               notes.get(each.name, {}).get("by", ""))
        for each in found
    ]  # fmt: skip
    chart = Bars(say("Messages a person in the quarter"), bars)
    return Told(answer, more=more, chart=chart, tables=[_table(found, notes, say)], notings=notings)


def _table(found: list[Cadence], notes: Mapping[str, Any], say: Teller) -> Table:
    rows = []
    for each in found:
        days = each.proposed_days
        rows.append([
            Cell(each.name, note=notes.get(each.name, {}).get("words", "")),
            Cell(f"{each.people:,}", people=f"{each.key}:people" if each.people else ""),
            Cell(f"{each.a_person:.1f}", note=f"{each.messages:,}"),
            Cell(say.share(each.answered, each.reached) or "–", note=say.of_whom(each.answered, each.reached)),
            Cell(f"{each.buyers:,}", people=f"{each.key}:buyers" if each.buyers else ""),
            Cell(f"{each.bought_again:,}", people=f"{each.key}:again" if each.bought_again else "",
                 note=say.share(each.bought_again, each.buyers)),
            Cell(say.many("%(n)s day", "%(n)s days", days) if days else "–",
                 note="" if days else say("fewer than %(n)s with a pace of their own", n=LEAST_PACES)),
        ])  # fmt: skip
    columns = (
        say("Segment"), say("People"), say("Messages a person"), say("Answered"), say("Bought"), say("Bought again"),
        say("Write after"),
    )  # fmt: skip
    return Table(say("By segment"), columns, rows, about=say("By the people who are in each segment today."))


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    key, _, what = name.partition(":")
    segment = session.scalar(select(Segment).where(Segment.key == key))
    if segment is None or what not in WHAT:
        raise NotFound(mark("There is no such list. Open it from the report."))
    ids = people_in(session, segment, Quarter.parse(asked["quarter"]), what, now=now)
    return Listed(read_set(session, ids), f"{segment.name}: {say(WHAT[what])}")


PAGE = Page(
    key="cadence",
    place=33,
    group="effect",
    title=mark("How often to write"),
    about=first_paragraph(__doc__),
    rests_on=mark("messages sent and answered, purchases of the quarter, and the gaps between each person's purchases"),
    trust=mark(
        "Gaps exist only for those who came back, so the pace says nothing of those who left. People are those in the "
        "segment today, not those who were in it then."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
)
