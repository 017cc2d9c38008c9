"""Whose scores may differ from those of an earlier night: something of theirs changed, or days passed a threshold.

Everything a score reads is here with the way it can change. Naming somebody too many costs a little time;
leaving somebody out is an error, which the weekly comparison finds.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import CompoundSelect, or_, select, union

from domain.calendar import NEWS, Calendar
from domain.scores._figures import FUNNEL_DAYS, MODEL_DAYS, TREND_DAYS, YEAR_DAYS, Rows, window_start
from domain.scores.funnel_stage import LOOKED
from domain.scores.napl import ASLEEP_DAYS, COUNTED, NEW_DAYS, REFERRED
from domain.scores.repurchase_cycle import GAP_DAYS
from domain.scores.rfm import RECENT_DAYS
from models.event import Event
from models.member import Member
from models.purchase import Purchase
from models.score import MemberScore

# Longer than a transaction of ours: what it wrote is dated when it began and seen when it ended.
MARGIN = timedelta(hours=1)
# What joins or parts two records moves orders and actions between them.
REASSIGNING = ("merged", "unmerged")
# An order leaves the windows it is counted in one after the other.
WINDOWS = (FUNNEL_DAYS, TREND_DAYS, 2 * TREND_DAYS, YEAR_DAYS, GAP_DAYS, MODEL_DAYS)


@dataclass(frozen=True)
class Since:
    """Where an earlier night stood: the day it scored, and when it looked, in business and in machine time."""

    day: date
    at: datetime
    machine_at: datetime


def movers(since: Since, day: date, calendar: Calendar) -> CompoundSelect[*tuple[Any, ...]]:
    """Ids of members whose scores as of `day` may differ from those as of `since`."""
    return union(*_buyers(since, day), *_actors(since, day), *_people(since, day, calendar), _standing(since, day))


def _buyers(since: Since, day: date) -> list[Rows]:
    """Orders that were recorded, netted or given to someone; whose day has come; that leave a window."""
    leaving = (
        Purchase.day.between(window_start(since.day, days), window_start(day, days) - timedelta(days=1))
        for days in WINDOWS
    )
    new = Purchase.day > since.day, Purchase.day <= day
    changed = (Purchase.changed_at >= since.machine_at - MARGIN,)
    known = select(Purchase.member_id).where(Purchase.member_id.is_not(None))
    return [known.where(*which) for which in (changed, new, *((each,) for each in leaving))]


def _actors(since: Since, day: date) -> list[Rows]:
    known = select(Event.member_id).where(Event.member_id.is_not(None))
    counted = known.where(Event.kind.in_((*COUNTED, *LOOKED)))
    first, last = window_start(since.day), window_start(day) - timedelta(days=1)
    steps = window_start(since.day, FUNNEL_DAYS), window_start(day, FUNNEL_DAYS) - timedelta(days=1)
    return [
        counted.where(Event.day > since.day, Event.day <= day),
        known.where(Event.kind.in_((*COUNTED, *LOOKED, *REASSIGNING)), Event.recorded_at >= since.at - MARGIN),
        known.where(Event.kind == REFERRED, Event.day.between(first, last)),
        known.where(Event.kind.in_(LOOKED), Event.day.between(*steps)),
    ]


def _people(since: Since, day: date, calendar: Calendar) -> list[Rows]:
    """Who appeared, joined or left, or of whom a file told; and who is no longer new."""
    looked = since.at - MARGIN
    lately = min(looked, calendar.end(since.day)) - NEWS  # a file's word of the last two days is not noted as history
    changed = or_(
        Member.created_at >= lately,
        Member.registered_at >= lately,
        Member.history_at >= looked,
        Member.erased_at >= looked,
    )
    young = timedelta(days=NEW_DAYS)
    settled = Member.registered_at.between(calendar.start(since.day - young), calendar.start(day - young))
    return [select(Member.id).where(changed), select(Member.id).where(settled)]


def _standing(since: Since, day: date) -> Rows:
    """Who did nothing, so that days passed a threshold: the last purchase, or the last sign of life, is too old now."""
    passed = [
        MemberScore.last_day.between(since.day - timedelta(days=days), day - timedelta(days=days + 1))
        for _, days in RECENT_DAYS
    ]
    asleep = timedelta(days=ASLEEP_DAYS)
    fallen_silent = MemberScore.last_activity_day.between(since.day - asleep, day - asleep - timedelta(days=1))
    return select(MemberScore.member_id).where(or_(*passed, fallen_silent))
