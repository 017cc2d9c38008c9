"""Whose answer to a rule may have changed since an earlier look, so that the night need not ask everyone.

A condition that can tell declares `moved`: who it may have begun or ceased to hold for, by what was recorded
since and by days that carried something over an edge. Naming somebody too many costs a little time; leaving
somebody out is an error, which the weekly comparison with everyone finds. One that cannot tell makes the
whole rule be asked of everyone.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, select, union

from domain.rules._context import RuleContext
from domain.rules._folder import conditions
from domain.rules._tree import Rule, read_params
from domain.scores._movers import MARGIN, REASSIGNING, Since
from models.event import Event
from models.member import Member
from models.purchase import Purchase
from models.score import MemberScore

Ids = Select[Any]
Moved = Callable[[Any, Since, RuleContext], list[Ids]]


def movers(rule: Rule, since: Since, context: RuleContext) -> CompoundSelect[Any] | None:
    """Ids of people whose answer to `rule` may differ between `since` and the context's moment; None: anyone's."""
    found = [*_people(since)]
    for leaf in _leaves(rule):
        condition = conditions()[leaf["condition"]]
        if condition.moved is None:
            return None
        found += condition.moved(read_params(condition, leaf), since, context)
    return union(*found)


def _leaves(rule: Rule) -> Iterator[Rule]:
    for key in ("all", "any"):
        for each in rule.get(key, []):
            yield from _leaves(each)
    if "not" in rule:
        yield from _leaves(rule["not"])
    if "condition" in rule:
        yield rule


def _people(since: Since) -> list[Ids]:
    """Whoever appeared, left or was changed themselves, and whoever was joined with another record or parted."""
    reassigned = Event.kind.in_(REASSIGNING), Event.recorded_at >= since.at - MARGIN, Event.member_id.is_not(None)
    return [
        select(Member.id).where(Member.changed_at >= since.machine_at - MARGIN),
        select(Event.member_id).where(*reassigned),
    ]


def alone(params: Any, since: Since, context: RuleContext) -> list[Ids]:
    """Of conditions that read the person's own columns and no clock: whoever was changed is in it already."""
    return []


def orders_moved(since: Since, context: RuleContext, days: int | None) -> list[Ids]:
    """Orders that were recorded, netted or given to someone since, whose day has come, or that left the window."""
    buyers = select(Purchase.member_id).where(Purchase.member_id.is_not(None))
    return [
        buyers.where(Purchase.changed_at >= since.machine_at - MARGIN),
        *(buyers.where(Purchase.day.between(*edge)) for edge in _edges(since, context, days)),
    ]


def events_moved(since: Since, context: RuleContext, days: int | None, *such: ColumnElement[bool]) -> list[Ids]:
    """Events that were recorded since, whose day has come, or that left the window."""
    people = select(Event.member_id).where(Event.member_id.is_not(None), *such)
    return [
        people.where(Event.recorded_at >= since.at - MARGIN),
        *(people.where(Event.day.between(*edge)) for edge in _edges(since, context, days)),
    ]


def scores_moved(params: Any, since: Since, context: RuleContext) -> list[Ids]:
    """Whose scores changed: the night notes on a row since when it stands, which is the day before it."""
    return [select(MemberScore.member_id).where(MemberScore.as_of >= since.day - timedelta(days=2))]


def passed(since: Since, context: RuleContext, days: int) -> tuple[date, date]:
    """The days that were at most `days` ago at the earlier look and are longer ago now, with a day to spare."""
    spare = timedelta(days=1)
    return since.day - timedelta(days=days) - spare, context.today - timedelta(days=days) + spare


def _edges(since: Since, context: RuleContext, days: int | None) -> list[tuple[date, date]]:
    come = (since.day, context.today)
    return [come] if days is None else [come, passed(since, context, days)]
