"""What somebody is likely to want next, one to three things, each with the evidence: a product that runs out, what goes
with what they bought, the category they like best.

Guesses from one person's own orders and from what others buy together; an offer, not a promise.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.reports import kept
from domain.reports.told import basket
from domain.scores.purchase_clock import state_of
from models.purchase import Purchase, PurchaseLine
from models.score import MemberScore

MOST = 3
NEEDED_DAYS = 3  # purchase days of a product; two gaps are the fewest that show a rhythm
LOOKED_BACK = timedelta(days=730)
LATELY = timedelta(days=90)
MOST_LINES = 2_000


@dataclass(frozen=True)
class Need:
    """One thing. `days`: the rhythm of a product, or on how many days a category was bought; `on`: due, or bought."""

    kind: Literal["runs_out", "goes_with", "likes"]
    name: str
    because: str = ""
    days: int = 0
    on: date | None = None


@dataclass(frozen=True)
class _Bought:
    name: str
    days: tuple[date, ...]  # in order


def next_needs(session: Session, member_id: int, *, now: datetime) -> list[Need]:
    """At most three, the surest first."""
    today = calendar_of(session).day_of(now)
    bought = _bought(session, member_id, today)
    found: list[Need] = []
    for need in (*_running_out(bought, today), *_going_with(session, bought, today, now), *_liked(session, member_id)):
        if need.name not in {each.name for each in found}:
            found.append(need)
    return found[:MOST]


def _bought(session: Session, member_id: int, today: date) -> dict[str, _Bought]:
    query = (
        select(PurchaseLine.sku, PurchaseLine.product, Purchase.day)
        .join(Purchase, Purchase.id == PurchaseLine.purchase_id)
        .where(Purchase.member_id == member_id, Purchase.net_amount > 0, PurchaseLine.kind == "sale")
        .where(Purchase.day.between(today - LOOKED_BACK, today), PurchaseLine.sku != "")
        .order_by(Purchase.day.desc(), PurchaseLine.id)
        .limit(MOST_LINES)
    )
    names: dict[str, str] = {}
    days: defaultdict[str, set[date]] = defaultdict(set)
    for sku, product, day in session.execute(query):
        names.setdefault(sku, product or sku)
        days[sku].add(day)
    return {sku: _Bought(names[sku], tuple(sorted(days[sku]))) for sku in names}


def _running_out(bought: dict[str, _Bought], today: date) -> Iterator[Need]:
    """Products bought in a rhythm that is about to come round, or has just; what is very late is given up."""
    due = []
    for each in bought.values():
        if len(each.days) >= NEEDED_DAYS:
            cycle = round(median((after - before).days for before, after in pairwise(each.days)))
            if state_of(each.days[-1], cycle, today) in {"due", "late"}:
                due.append(Need("runs_out", each.name, days=cycle, on=each.days[-1] + timedelta(days=cycle)))
    yield from sorted(due, key=lambda need: (need.on or today, need.name))


def _going_with(session: Session, bought: dict[str, _Bought], today: date, now: datetime) -> Iterator[Need]:
    """What others buy with something this person bought lately, and this person never did; strongest pairs first."""
    document = kept.fresh(session, "basket:product", now=now)
    for pair in basket.read(document) if document else []:
        first = bought.get(pair.first)
        if first is not None and first.days[-1] >= today - LATELY and pair.second not in bought:
            name = document["names"].get(pair.second, pair.second) if document else pair.second
            yield Need("goes_with", name, because=first.name, on=first.days[-1])


def _liked(session: Session, member_id: int) -> Iterator[Need]:
    score = session.get(MemberScore, member_id)
    for category, days in (score.affinity if score else None) or []:
        if days > 1:
            yield Need("likes", category, days=days)
