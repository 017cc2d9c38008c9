"""Whether a message brings people back: those meant to get it against those held out by chance (definitions §8).

By intention: whoever was due counts in their arm, whether or not the message could be sent. Each person counts
once, from the first time they were due; the outcome is what they bought in the fourteen days after.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Float, and_, cast, func, select
from sqlalchemy.orm import Session

from domain.errors import NotFound
from domain.metrics._intervals import FEW, Difference, Sample, needed, newcombe, welch
from domain.metrics._people import counts
from domain.metrics._shape import Rows, flag
from domain.wording import mark
from models.arithmetic import hours_later
from models.automation import Automation, Enrolment
from models.campaign import Campaign, Recipient
from models.member import Member
from models.purchase import Purchase

OUTCOME_DAYS = 14
ARMS = ("sent", "held_out")


@dataclass(frozen=True)
class Arm:
    """One side: people whose days have passed, how many bought, what they spent; and who is too early to tell."""

    n: int = 0
    bought: int = 0
    amount: float = 0
    squares: float = 0
    pending: int = 0

    @property
    def share(self) -> float:
        return self.bought / self.n

    @property
    def sample(self) -> Sample:
        return Sample(self.n, self.amount, self.squares)


@dataclass(frozen=True)
class Effect:
    """The two arms side by side. `uplift` is None with fewer than ten people on a side."""

    sent: Arm
    held: Arm

    @property
    def uplift(self) -> Difference | None:
        if min(self.sent.n, self.held.n) < FEW:
            return None
        return newcombe(self.sent.bought, self.sent.n, self.held.bought, self.held.n)

    @property
    def is_proven(self) -> bool:
        return self.uplift is not None and self.uplift.interval.low > 0

    @property
    def harms(self) -> bool:
        return self.uplift is not None and self.uplift.interval.high < 0

    @property
    def amount(self) -> Difference | None:
        """By how much more each spent, with Welch's interval."""
        return welch(self.sent.sample, self.held.sample) if min(self.sent.n, self.held.n) >= FEW else None

    @property
    def extra_buyers(self) -> tuple[int, int, int] | None:
        """Buyers there would not have been: about so many, from, to."""
        if self.uplift is None:
            return None
        ends = (self.uplift.value, self.uplift.interval.low, self.uplift.interval.high)
        about, low, high = (round(each * self.sent.n) for each in ends)
        return about, low, high

    @property
    def needed(self) -> int | None:
        """How many in each arm would show a difference as large as the one seen."""
        return needed(self.held.share, self.uplift.value) if self.uplift and 0 < self.held.share < 1 else None


def people_due(session: Session, subject: str, *, now: datetime) -> Rows:
    """(member_id, arm, at, pending, amount) of everyone due so far; `subject`: automation:KEY or campaign:REF."""
    cases = _first(_cases(session, subject, now))
    ends = hours_later(cases.c.at, OUTCOME_DAYS * 24)
    within = and_(
        Purchase.member_id == cases.c.member_id,
        Purchase.net_amount > 0,
        Purchase.paid_at > cases.c.at,
        Purchase.paid_at <= ends,
    )
    pending = flag(ends > now)
    keys = (cases.c.member_id, cases.c.arm, cases.c.at)
    return (
        select(
            *keys, func.max(pending).label("pending"), func.coalesce(func.sum(Purchase.net_amount), 0).label("amount")
        )
        .outerjoin(Purchase, within)
        .where(cases.c.place == 1)
        .group_by(*keys)
    )


def _cases(session: Session, subject: str, now: datetime) -> Rows:
    kind, _, key = subject.partition(":")
    if kind == "automation":
        automation = session.scalar(select(Automation.id).where(Automation.key == key))
        if automation is not None:
            return _enrolled(automation, now)
    campaign = session.scalar(select(Campaign.id).where(Campaign.ref == key))
    if kind != "campaign" or campaign is None:
        raise NotFound(mark("There is no such automation or campaign. Choose one from the list."))
    return select(Recipient.member_id, Recipient.arm, Recipient.due_at.label("at"), Recipient.id.label("id")).where(
        Recipient.campaign_id == campaign, Recipient.due_at <= now
    )


def _enrolled(automation_id: int, now: datetime) -> Rows:
    """Whoever fell due. Not who the rule no longer held for, nor who waited when it was switched off: in both arms."""
    return select(Enrolment.member_id, Enrolment.arm, Enrolment.due_at.label("at"), Enrolment.id.label("id")).where(
        Enrolment.automation_id == automation_id,
        Enrolment.due_at <= now,
        Enrolment.state.not_in(("outside", "left")),
    )


def _first(cases: Rows) -> Any:
    """Each person's first case: later ones are not apart from it."""
    each = cases.subquery("cases")
    place = func.row_number().over(partition_by=each.c.member_id, order_by=(each.c.at, each.c.id))
    numbered = select(each.c.member_id, each.c.arm, each.c.at, place.label("place"))
    return numbered.join(Member, Member.id == each.c.member_id).where(counts()).subquery("first_cases")


def effect_of(session: Session, subject: str, *, now: datetime) -> Effect:
    rows = people_due(session, subject, now=now).subquery("people_due")
    ripe = 1 - rows.c.pending
    amount = cast(rows.c.amount, Float) * ripe
    sums = (
        func.sum(ripe), func.sum(ripe * flag(rows.c.amount > 0)), func.sum(amount), func.sum(amount * amount),
        func.sum(rows.c.pending),
    )  # fmt: skip
    found = {row[0]: row[1:] for row in session.execute(select(rows.c.arm, *sums).group_by(rows.c.arm))}
    arms = [_arm(found.get(arm)) for arm in ARMS]
    return Effect(*arms)


def _arm(sums: Any) -> Arm:
    if sums is None:
        return Arm()
    return Arm(int(sums[0]), int(sums[1]), float(sums[2]), float(sums[3]), int(sums[4]))


def people_of(session: Session, subject: str, arm: str, which: str, *, now: datetime) -> Rows:
    """Member ids of an arm: `all`, `bought` or `pending`, by the rows that are counted."""
    rows = people_due(session, subject, now=now).subquery("people_due")
    ripe = rows.c.pending == 0
    chosen: dict[str, ColumnElement[bool]] = {
        "all": ripe,
        "bought": and_(ripe, rows.c.amount > 0),
        "pending": rows.c.pending == 1,
    }
    return select(rows.c.member_id).where(rows.c.arm == arm, chosen[which])


def subjects(session: Session) -> list[tuple[str, dict[str, Any] | str]]:
    """What an effect can be asked of, with its names: automations, then the newest fifty sends."""
    is_past = Automation.archived_at.is_not(None)  # what it did can still be asked, after those of today
    automations = session.execute(select(Automation.key, Automation.name).order_by(is_past, Automation.key))
    sends = select(Campaign.ref, Campaign.name).where(Campaign.kind != "automation", Campaign.frozen_at.is_not(None))
    newest = session.execute(sends.order_by(Campaign.id.desc()).limit(50))
    return [(f"automation:{key}", name) for key, name in automations] + [
        (f"campaign:{ref}", name) for ref, name in newest
    ]
