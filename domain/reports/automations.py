"""Automations at a glance: what each does in words, and what became of the people who entered it."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from domain import rules, triggers
from domain.reports.mission_words import reward_words
from domain.wording import mark, pick, say
from models.automation import Automation, Enrolment
from models.benefit import Coupon
from models.mission import Mission
from models.programme import Tag, Tier, the_brand

NAMED: dict[str, Any] = {"tag": Tag, "tier": Tier, "mission": Mission}
STATES = {
    "waiting": mark("Waiting"),
    "done": mark("Done"),
    "held_out": mark("Held out"),
    "withheld": mark("Message withheld"),
    "left": mark("Left"),
    "failed": mark("Went wrong"),
    "outside": mark("Did not enter"),
}

REASONS = {
    "no_line_id": mark("Not on LINE"),
    "blocked": mark("Has blocked us"),
    "erased": mark("Erased"),
    "opted_out": mark("No consent to marketing"),
    "care_open": mark("Unhappy, and waits to hear from us"),
    "cap": mark("Had enough messages this week"),
    "expired": mark("Would have come too late"),
    "repeated": mark("Said before"),
    "gone": mark("Erased or merged"),
    "booking_gone": mark("The visit was cancelled"),
    "rule_no_longer_holds": mark("The rule no longer held"),
    "was_so_before": mark("Was so before it was switched on"),
    "history": mark("Became so through imported history"),
    "too_soon": mark("Was in it not long ago"),
    "switched_off": mark("It was switched off"),
    "reminded_lately": mark("Had another reminder a little earlier"),
    "sold_out": mark("The coupon had run out"),
    "coupon_ended": mark("The coupon had ended"),
}


@dataclass(frozen=True)
class Seen:
    """One automation as the console shows it."""

    key: str
    name: str
    kind: str
    is_on: bool
    when: str
    whom: str
    does: list[str]
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def entered(self) -> int:
        return sum(n for state, n in self.counts.items() if state != "outside")


def all_seen(session: Session, language: str) -> list[Seen]:
    """Every automation of the programme, with how many people are in each state."""
    counts: dict[int, dict[str, int]] = defaultdict(dict)
    per_state = select(Enrolment.automation_id, Enrolment.state, func.count()).group_by(
        Enrolment.automation_id, Enrolment.state
    )
    for automation_id, state, n in session.execute(per_state):
        counts[automation_id][state] = n
    names = _names(session, language)
    rows = session.scalars(select(Automation).where(Automation.archived_at.is_(None)).order_by(Automation.key))
    return [seen(session, row, language, counts[row.id], names) for row in rows]


def seen(
    session: Session,
    row: Automation,
    language: str,
    counts: dict[str, int] | None = None,
    names: dict[tuple[str, str], str] | None = None,
) -> Seen:
    """One automation in words."""
    known = names if names is not None else _names(session, language)
    whom = rules.sentence(row.rule, language, rules.names_of(session, language)) if row.rule else ""
    does = [_action_words(session, action, language, known) for action in row.actions]
    return Seen(
        row.key, pick(row.name, language), row.kind, row.enabled_at is not None,
        triggers.words(_with_names(row.trigger, known), language), whom, does, counts or {},
    )  # fmt: skip


def people_in(automation: Automation, state: str) -> Select[int]:
    """The people behind a count of `all_seen`."""
    return select(Enrolment.member_id).where(Enrolment.automation_id == automation.id, Enrolment.state == state)


def reasons(session: Session, automation: Automation) -> list[tuple[str, str, int]]:
    """State, reason and how many, for everything that was not simply done."""
    rows = (
        select(Enrolment.state, Enrolment.reason, func.count())
        .where(Enrolment.automation_id == automation.id, Enrolment.reason.is_not(None))
        .group_by(Enrolment.state, Enrolment.reason)
        .order_by(func.count().desc())
    )
    return [(state, reason or "", n) for state, reason, n in session.execute(rows)]


def _names(session: Session, language: str) -> dict[tuple[str, str], str]:
    names = {("coupon", row.key): pick(row.title, language) for row in session.scalars(select(Coupon))}
    for kind, table in NAMED.items():
        names |= {(kind, row.key): pick(row.name, language) for row in session.scalars(select(table))}
    wording = the_brand(session).wording
    return names | {("access", key.removeprefix("access_")): pick(texts, language) for key, texts in wording.items()}


def _with_names(trigger: dict[str, Any], names: dict[tuple[str, str], str]) -> dict[str, Any]:
    """A trigger that is told of tiers, missions and access by their names: to be read, not to be run."""
    said = dict(trigger)
    for kind in ("access", "mission"):
        if said.get(kind):
            said[kind] = names.get((kind, said[kind])) or said[kind]
    if "tiers" in said:
        said["tiers"] = [names.get(("tier", key)) or key for key in said["tiers"]]
    return said


def _action_words(session: Session, action: dict[str, Any], language: str, names: dict[tuple[str, str], str]) -> str:
    if action["do"] == "grant":
        return say(language, "gives: %(what)s", what=reward_words(session, action["benefit"], language))
    if action["do"] == "tag":
        return say(language, "tags: %(what)s", what=names.get(("tag", action["tag"]), action["tag"]))
    if action["do"] == "task":
        return say(language, "asks staff: %(what)s", what=pick(action["text"], language))
    title = pick(action.get("texts", {}).get("title"), language)
    return say(language, "says: %(what)s", what=title) if title else say(language, "sends a reminder of the visit")
