"""Who the people of a segment are: what is clearly more usual among them than among everyone else, from tags, what
they buy and where, age, gender, tier and how they came to us.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import NotFound
from domain.metrics._people import counts
from domain.metrics._shape import first_paragraph
from domain.reports.kept import fresh, name_of
from domain.reports.portrait import AGES, Counts, Trait, counted, over_represented, people_with, traits
from domain.reports.told._shape import Asked, Bars, Cell, Choice, Document, Listed, Page, Table, Teller, Told, chosen
from domain.rules import compile_rule, context_of
from domain.wording import mark
from models.programme import Segment

KINDS = {
    "tag": mark("Tag"),
    "category": mark("Bought in a year"),
    "channel": mark("Buys"),
    "store": mark("Home store"),
    "tier": mark("Tier"),
    "gender": mark("Gender"),
    "entry_source": mark("Came by"),
    "age": mark("Age"),
}
EVERYONE = "everyone"
CHANNELS = {"online": mark("online"), "store": mark("in a store")}
GENDERS = {"female": mark("women"), "male": mark("men"), "f": mark("women"), "m": mark("men")}


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    live = select(Segment.key, Segment.name).where(Segment.archived_at.is_(None)).order_by(Segment.name)
    options = [(key, name) for key, name in session.execute(live)]
    return [Choice("segment", say("Segment"), options, chosen(options, given.get("segment")))]


def _among(session: Session, asked: Asked, now: datetime) -> ColumnElement[bool]:
    rule = session.scalar(select(Segment.rule).where(Segment.key == asked["segment"]))
    if rule is None:
        raise NotFound(mark("There is no such segment any more. Choose another from the list."))
    return compile_rule(rule, context_of(session, now))


def count(session: Session, asked: Asked, now: datetime) -> Document:
    today = calendar_of(session).day_of(now)
    if not asked["segment"]:
        return {EVERYONE: [[*trait, n] for trait, n in counted(session, counts(), today=today).items()]}
    found = traits(session, _among(session, asked, now), today=today, everyone=_everyone(session, now))
    shown = [[each.kind, each.key, each.who, each.of, each.others, each.of_others] for each in over_represented(found)]
    first = found[0] if found else None
    return {"traits": shown, "of": first.of if first else 0, "total": first.of + first.of_others if first else 0,
            "looked_at": len(found)}  # fmt: skip


def _everyone(session: Session, now: datetime) -> Counts | None:
    """All members' traits as the night counted them: of a large brand they take longer than the segment's."""
    kept = fresh(session, name_of(PAGE, {"segment": ""}), now=now)
    return {(kind, key): n for kind, key, n in kept[EVERYONE]} if kept else None


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    if EVERYONE in document:
        return Told(say("There is no segment yet. Make one under Segments; its portrait appears here."), has_data=False)
    found = [Trait(*each) for each in document["traits"]]
    if not document["of"]:
        return Told(say("Nobody is in the segment, or everybody is: there is no one to compare with."), has_data=False)
    if not found:
        return Told(say(
            "Nothing is clearly more usual among these %(n)s people than among others, of %(looked)s traits looked at.",
            n=f"{document['of']:,}", looked=document["looked_at"],
        ))  # fmt: skip
    best = [f"{named(each, say)} ({each.index / 100:.1f}×)" for each in found[:3]]
    answer = say(
        "Clearly more usual among these %(n)s people than among others: %(traits)s.", n=f"{document['of']:,}",
        traits=", ".join(best),
    )  # fmt: skip
    bars = [(named(each, say), each.index, f"{each.index:.0f}") for each in found[:8]]
    return Told(
        answer, chart=Bars(say("Index: 100 is as usual as among all members"), bars), tables=[_table(found, say)]
    )


def named(trait: Trait, say: Teller) -> str:
    """The trait in words."""
    if trait.kind == "age":
        return _age(int(trait.key), say)
    words = {"channel": CHANNELS, "gender": GENDERS}.get(trait.kind, {})
    if trait.key in words:
        return say(words[trait.key])
    return say.names.of(trait.kind, trait.key)


def _age(least: int, say: Teller) -> str:
    if least == 0:
        return say("under %(age)s", age=AGES[0])
    if least == AGES[-1]:
        return say("%(age)s and over", age=least)
    return say("%(from)s to %(to)s", **{"from": least, "to": least + 9})


def _table(found: list[Trait], say: Teller) -> Table:
    rows = []
    for each in found:
        all_of_them, total = each.who + each.others, each.of + each.of_others
        cells: list[Any] = [
            Cell(named(each, say), note=say(KINDS[each.kind])),
            Cell(f"{each.index:.0f}"),
            Cell(say.whole(each.who, each.of), people=f"{each.kind}|{each.key}", note=say.of_whom(each.who, each.of)),
            Cell(say.whole(all_of_them, total), note=say.of_whom(all_of_them, total)),
        ]
        rows.append(cells)
    columns = (say("Trait"), say("Index"), say("Of the segment"), say("Of all members"))
    about = say("Only what stays above others when as many comparisons are made at once; ten people at the least.")
    return Table(say("What is usual for them"), columns, rows, about=about)


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    kind, _, key = name.partition("|")
    if kind not in KINDS:
        raise NotFound(mark("There is no such list. Open it from the report."))
    people = people_with(session, _among(session, asked, now), kind, key, today=calendar_of(session).day_of(now))
    return Listed(people, f"{say(KINDS[kind])}: {named(Trait(kind, key, 0, 1, 0, 1), say)}")


def nightly(session: Session, now: datetime) -> list[dict[str, str]]:
    return [{"segment": ""}]


PAGE = Page(
    key="portrait",
    place=23,
    group="worth",
    title=mark("Portrait of a segment"),
    about=first_paragraph(__doc__),
    rests_on=mark("the tags people wear, what they bought in a year, and what they told us of themselves"),
    trust=mark(
        "A segment made by a rule is, of course, full of what the rule asks for: look at the rest. What few people "
        "told us (age, gender) describes those who told."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
    nightly=nightly,
)
