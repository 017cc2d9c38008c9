"""What a message earned, by group of people: the extra margin it brought, less what messages, coupons and points
cost, for each dollar of that cost. Said only where the effect is proven.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime

from sqlalchemy.orm import Session

from domain.metrics._shape import first_paragraph
from domain.reports.effect import Arm, Effect
from domain.reports.roi import UNKNOWN, people_in, returns
from domain.reports.told._shape import Asked, Cell, Choice, Document, Listed, Page, Table, Teller, Told
from domain.reports.told.effect import ARM_WORDS, subject_choice, verdict
from domain.scores.rfm import GROUPS
from domain.wording import mark
from models.programme import the_brand


def choices(session: Session, given: Mapping[str, str], say: Teller, now: datetime) -> list[Choice]:
    return [subject_choice(session, given, say)]


def count(session: Session, asked: Asked, now: datetime) -> Document:
    if not asked["of"]:
        return {}
    found = returns(session, asked["of"], now=now)
    groups = {
        name: {"sent": asdict(group.sent), "held": asdict(group.held), "cost": group.cost}
        for name, group in found.items()
    }
    return {"groups": groups, "margin": the_brand(session).margin_percent}


def _effect(group: Document) -> Effect:
    return Effect(Arm(**group["sent"]), Arm(**group["held"]))


def gain(group: Document, margin: int) -> tuple[float, float, float] | None:
    """Extra margin of a group: about, from, to; None where no difference of amounts can be told."""
    found = _effect(group)
    if found.amount is None:
        return None
    ends = (found.amount.value, found.amount.interval.low, found.amount.interval.high)
    about, low, high = (each * found.sent.n * margin / 100 for each in ends)
    return about, low, high


def is_proven(group: Document, margin: int) -> bool:
    """More buyers and more spent, both by more than chance explains."""
    gained = gain(group, margin)
    return _effect(group).is_proven and gained is not None and gained[1] > 0


def tell(document: Document, asked: Asked, say: Teller) -> Told:
    everyone = document.get("groups", {}).get("")
    if not everyone:
        return Told(say("Nobody's 14 days have passed yet, so there is nothing to reckon with."), has_data=False)
    margin = document["margin"]
    rows = [_row(name, document["groups"][name], margin, say) for name in ("", *_in_order(document["groups"]))]
    columns = (
        say("Group"),
        say("Meant to get it"),
        say("Held out"),
        say("Extra margin"),
        say("Cost"),
        say("Earned on a cost of 1"),
    )
    more = [] if margin < 100 else [
        say("The margin is set to 100 percent, so this is revenue, not profit. Set it in the programme.")
    ]  # fmt: skip
    return Told(_answer(everyone, margin, say), more=more, tables=[Table(say("By RFM group"), columns, rows)])


def _in_order(groups: Mapping[str, Document]) -> list[str]:
    return [name for name in (*GROUPS, UNKNOWN) if name in groups]


def _answer(everyone: Document, margin: int, say: Teller) -> str:
    gained = gain(everyone, margin)
    if not is_proven(everyone, margin) or gained is None:
        return say(
            "What it earned is not said, because its effect is not proven. %(verdict)s",
            verdict=verdict(_effect(everyone), say),
        )
    said = {"gain": say.money(gained[0]), "low": say.money(gained[1]), "high": say.money(gained[2])}
    cost = say.money(everyone["cost"])
    if everyone["cost"] <= 0:
        return say(
            "It brought about %(gain)s of extra margin (between %(low)s and %(high)s), and no cost is on record.",
            **said,
        )
    return say(
        "It brought about %(gain)s of extra margin (between %(low)s and %(high)s) and cost %(cost)s: %(roi)s for "
        "each 1 spent.",
        **said, cost=cost, roi=_roi(gained[0], everyone["cost"]),
    )  # fmt: skip


def _roi(gained: float, cost: float) -> str:
    return f"{(gained - cost) / cost:+.1f}".replace("-", "−")


def _row(name: str, group: Document, margin: int, say: Teller) -> list[Cell]:
    sent, held, gained = group["sent"]["n"], group["held"]["n"], gain(group, margin)
    proven = is_proven(group, margin) and gained is not None
    money = Cell(say("not proven"), is_grey=True)
    if gained and proven:
        ends = say("between %(low)s and %(high)s", low=say.money(gained[1]), high=say.money(gained[2]))
        money = Cell(say.money(gained[0]), note=ends)
    roi = _roi(gained[0], group["cost"]) if gained and proven and group["cost"] > 0 else "–"
    return [
        Cell(_group_words(name, say)),
        Cell(f"{sent:,}", people=f"{name}:sent" if sent else ""),
        Cell(f"{held:,}", people=f"{name}:held_out" if held else ""),
        money,
        Cell(say.money(group["cost"])),
        Cell(roi),
    ]


def behind(session: Session, asked: Asked, name: str, say: Teller, now: datetime) -> Listed:
    group, _, arm = name.partition(":")
    called = f"{_group_words(group, say)}: {say(ARM_WORDS.get(arm, arm))}"
    return Listed(people_in(session, asked["of"], group, arm, now=now), called)


def _group_words(name: str, say: Teller) -> str:
    return say("Everyone") if not name else say("Not known before") if name == UNKNOWN else say(GROUPS.get(name, name))


PAGE = Page(
    key="roi",
    place=31,
    group="effect",
    title=mark("What a message earned"),
    about=first_paragraph(__doc__),
    rests_on=mark(
        "the effect against the hold-out, the margin and point cost of the programme, what a message costs, and "
        "coupons used"
    ),
    trust=mark(
        "A group is small, so its effect is seldom proven alone; do not add up groups that are not. Coupons count at "
        "their cost where the programme says it, else at their face value; gifts without a cost count as nothing."
    ),
    choices=choices,
    count=count,
    tell=tell,
    behind=behind,
)
