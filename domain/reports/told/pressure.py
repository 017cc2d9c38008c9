"""Are we writing too much? Messages a person a week by tier, how many block us after their first, second, third
message, and the weekly number our own figures speak for.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.metrics._intervals import GREY, newcombe
from domain.metrics._shape import first_paragraph
from domain.reports.pressure import DAYS, MOST, WEEKS, Load, blocks, loads, people_blocked, people_written
from domain.reports.told._shape import (
    Asked,
    Bars,
    Cell,
    Choice,
    Document,
    Listed,
    Page,
    Table,
    Teller,
    Told,
    no_choices,
)
from domain.wording import mark
from models.people_set import read_set
from models.programme import the_brand


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return no_choices(session, given, say, now)


def count(session: Session, asked: Asked, now: datetime) -> Document:
    found = loads(session, now=now)
    return {
        "loads": [[each.tier, each.people, each.messages] for each in found],
        "blocks": [list(each) for each in blocks(session, now=now)],
        "cap": the_brand(session).weekly_cap,
    }


def worst_from(after: list[list[int]]) -> int | None:
    """The first nth message after which clearly more block than after the first; None when none is."""
    if not after or after[0][2] < GREY:
        return None
    _, first, of = after[0]
    for nth, blocked, n in after[1:]:
        if n >= GREY and newcombe(blocked, n, first, of).interval.low > 0:
            return nth
    return None


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    found = [Load(*each) for each in document["loads"]]
    people, messages = (sum(getattr(each, name) for each in found) for name in ("people", "messages"))
    if not messages:
        return Told(say("Nothing was sent in the last %(days)s days.", days=DAYS), has_data=False)
    together = Load("", people, messages)
    answer = say(
        "%(people)s people got %(week)s messages a week each over the last %(days)s days. %(blocks)s",
        people=f"{people:,}", week=f"{together.a_week:.1f}", days=DAYS, blocks=_blocks_said(document, say),
    )  # fmt: skip
    bars = [(_named(each.tier, say), each.a_week, f"{each.a_week:.1f}") for each in found]
    chart = Bars(say("Messages a person a week"), bars)
    return Told(answer, more=[_cap(document, say)], chart=chart, tables=[_loads(found, say), _after(document, say)])


def _blocks_said(document: Document, say: Teller) -> str:
    nth = worst_from(document["blocks"])
    if nth is None:
        return say("No message was clearly followed by more blocks than the first.")
    return say("From the %(n)s. message in that time on, clearly more people block us than after the first.", n=nth)


def _cap(document: Document, say: Teller) -> str:
    """What the figures speak for: as many a week as went well."""
    nth, cap = worst_from(document["blocks"]), document["cap"]
    now = say("The cap is %(n)s a week.", n=cap) if cap else say("There is no weekly cap.")
    if nth is None:
        return f"{now} " + say("Our own figures give no reason to change it.")
    suggested = max(1, round((nth - 1) / WEEKS))
    return f"{now} " + say("Our own figures speak for at most %(n)s a week.", n=suggested)


def _named(tier: str, say: Teller) -> str:
    return say.names.of("tier", tier) if tier else say("Without a tier")


def _loads(found: list[Load], say: Teller) -> Table:
    rows = [
        [
            Cell(_named(each.tier, say)),
            Cell(f"{each.people:,}", people=f"t:{each.tier}"),
            Cell(f"{each.messages:,}"),
            Cell(f"{each.a_week:.1f}"),
        ]
        for each in found
    ]
    return Table(say("By tier"), (say("Tier"), say("People written to"), say("Messages"), say("A person a week")), rows)


def _after(document: Document, say: Teller) -> Table:
    rows = []
    for nth, blocked, n in document["blocks"]:
        words = say("the %(n)s. and later", n=nth) if nth == MOST else say("the %(n)s.", n=nth)
        rows.append([
            Cell(words), Cell(f"{n:,}"), Cell(f"{blocked:,}", people=str(nth) if blocked else ""),
            Cell(say.share(blocked, n) or "–", note=say.between(blocked, n)),
        ])  # fmt: skip
    columns = (say("After which message"), say("Messages"), say("Blocked us"), say("Share"))
    about = say("A block belongs to the last message before it, within seven days. Those whose days run are left out.")
    return Table(say("Blocks after the nth message of the last 90 days"), columns, rows, about=about)


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    if name.startswith("t:"):
        return Listed(read_set(session, people_written(now, name[2:])), _named(name[2:], say))
    if not name.isdigit() or not 1 <= int(name) <= MOST:
        raise NotFound(mark("There is no such list. Open it from the report."))
    return Listed(
        read_set(session, people_blocked(now, int(name))), say("Blocked us after the %(n)s. message", n=int(name))
    )


def nightly(session: Session, now: datetime) -> list[dict[str, str]]:
    return [{}]


PAGE = Page(
    key="pressure",
    place=34,
    group="effect",
    title=mark("Contact pressure"),
    about=first_paragraph(__doc__),
    rests_on=mark("messages LINE accepted in the last 90 days, and blocks LINE told us of"),
    trust=mark(
        "Who has had many messages has stayed for many: later messages go to the more patient, so the true harm is "
        "larger than shown. Answers to questions and booking messages are not counted."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
    nightly=nightly,
)
