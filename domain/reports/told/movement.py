"""Who came closer and who is drifting away: where everyone stood at one month's end against another's, by RFM
group, life cycle or tier. Each cell opens into its people with the event behind it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.metrics._shape import first_paragraph
from domain.reports.movement import NOWHERE, WORDS, dimensions_kept, months_kept, movement
from domain.reports.reasons import last_signs, tier_moves
from domain.reports.told._shape import Asked, Bars, Cell, Choice, Document, Listed, Page, Table, Teller, Told, chosen
from domain.wording import mark

DIMENSIONS = {
    "rfm": mark("RFM group"),
    "rfm_quintile": mark("RFM group by quintiles"),
    "napl": mark("Life cycle, by activity"),
    "napl_purchases": mark("Life cycle, by purchases"),
    "tier": mark("Tier"),
}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    kept = [each for each in DIMENSIONS if each in dimensions_kept(session)] or ["rfm"]
    kinds = [(each, say(DIMENSIONS[each])) for each in kept]
    by = chosen(kinds, given.get("by"))
    months = [(month, say.month(month)) for month in months_kept(session, by)]
    newest = months[0][0] if months else ""
    new = chosen(months, given.get("to"), newest)
    before = str(Month.parse(new).plus(-1)) if new else ""
    return [
        Choice("by", say("By"), kinds, by),
        Choice("from", say("From the end of"), months, chosen(months, given.get("from"), before)),
        Choice("to", say("To the end of"), months, new),
    ]


def count(session: Session, asked: Asked, now: datetime) -> Document:
    found = movement(session, asked["by"], asked["from"], asked["to"])
    return {
        "values": found.values, "counts": found.counts(), "near": len(found.moved(1)), "far": len(found.moved(-1)),
        "old": {value: len(ids) for value, ids in found.old.items()},
        "new": {value: len(ids) for value, ids in found.new.items()},
    }  # fmt: skip


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    if not asked["to"] or asked["from"] == asked["to"]:
        return Told(
            say("Two month ends are needed to see who moved. Each month's end is kept in the night after it."),
            has_data=False,
        )
    old, new = say.month(asked["from"]), say.month(asked["to"])
    stayed = sum(document["counts"][value][value] for value in document["values"])
    answer = say(
        "From the end of %(old)s to the end of %(new)s, %(near)s people came closer and %(far)s drifted away; "
        "%(stayed)s stayed where they were.",
        old=old, new=new, near=f"{document['near']:,}", far=f"{document['far']:,}", stayed=f"{stayed:,}",
    )  # fmt: skip
    tables = [_lists(document, say), _matrix(document, asked, say), _shares(document, asked, say)]
    return Told(answer, chart=_chart(document, asked, say), tables=tables)


def _named(value: str, asked: Asked, say: Teller) -> str:
    if value == NOWHERE:
        return say("Not a member")
    if asked["by"] == "tier":
        return say.names.of("tier", value)
    words = WORDS.get(asked["by"], WORDS["rfm"])
    return say(words[value]) if value in words else value


def _chart(document: Document, asked: Asked, say: Teller) -> Bars:
    values = list(document["values"])[::-1]
    bars = [
        (_named(each, asked, say), document["new"].get(each, 0), f"{document['new'].get(each, 0):,}") for each in values
    ]
    return Bars(say("Where everyone stood at the end of %(month)s", month=say.month(asked["to"])), bars)


def _lists(document: Document, say: Teller) -> Table:
    near = [Cell(say("Came closer")), Cell(f"{document['near']:,}", people="near" if document["near"] else "")]
    far = [Cell(say("Drifted away")), Cell(f"{document['far']:,}", people="far" if document["far"] else "")]
    return Table(say("Who moved"), (say("Which way"), say("People")), [near, far])


def _matrix(document: Document, asked: Asked, say: Teller) -> Table:
    values, counts = document["values"], document["counts"]
    ends = [*values, NOWHERE]
    rows = []
    for start in (*values, NOWHERE):
        total = sum(counts[start].values())
        if total:
            cells = [_cell(counts[start][end], total, start, end) for end in ends]
            rows.append([Cell(_named(start, asked, say)), *cells, Cell(f"{total:,}")])
    columns = (say("Was, and is now"), *(_named(end, asked, say) for end in ends), say("Together"))
    about = say("Each row adds up to how many there were; the darker, the larger a part of its row.")
    return Table(say("From where to where"), columns, rows, about=about)


def _cell(n: int, total: int, start: str, end: str) -> Cell:
    if not n:
        return Cell("·")
    return Cell(f"{n:,}", people=f"{start}>{end}", shade=min(4, 1 + 4 * n // total) if start != end else 0)


def _shares(document: Document, asked: Asked, say: Teller) -> Table:
    sides: list[dict[str, int]] = [document["old"], document["new"]]
    totals = [sum(side.values()) for side in sides]
    rows = []
    for value in document["values"]:
        then, now = (side.get(value, 0) for side in sides)
        shares = [say.whole(n, total) or "–" for n, total in zip((then, now), totals, strict=True)]
        both = [Cell(share, note=f"{n:,}") for share, n in zip(shares, (then, now), strict=True)]
        rows.append([Cell(_named(value, asked, say)), *both, Cell(f"{now - then:+,}")])
    columns = (say("Where"), say.month(asked["from"]), say.month(asked["to"]), say("Change"))
    return Table(say("Shares of everyone"), columns, rows)


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    found = movement(session, asked["by"], asked["from"], asked["to"])
    if name in ("near", "far"):
        called = say("Came closer") if name == "near" else say("Drifted away")
        people = found.moved(1 if name == "near" else -1)
    else:
        start, _, end = name.partition(">")
        people = found.cell(start, end)
        called = f"{_named(start, asked, say)} → {_named(end, asked, say)}"
    return Listed(people, f"{called}, {say.month(asked['to'])}", _why(session, asked, say))


def _why(session: Session, asked: Asked, say: Teller) -> Any:
    calendar = calendar_of(session)
    since = calendar.end(Month.parse(asked["from"]).last)
    until = calendar.end(Month.parse(asked["to"]).last)

    def why(ids: list[int]) -> dict[int, str]:
        signs = last_signs(session, ids, until=until, say=say)
        if asked["by"] == "tier":
            return {**signs, **tier_moves(session, ids, since=since, until=until, say=say)}
        return signs

    return why


PAGE = Page(
    key="movement",
    place=10,
    group="moving",
    title=mark("Who moved"),
    about=first_paragraph(__doc__),
    rests_on=mark("where everyone stood at each month's end, which is kept in the night after it and never changes"),
    trust=mark(
        "A month's end is kept once: orders that arrived later are not in it. Groups have edges, so somebody a day "
        "past one seems to have moved far; look at the event beside the name."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
)
