"""Was in a store.

Checked in, kept a booking, used a coupon there or bought there; counted once a day.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, distinct, func, or_, select, union

from domain.rules._context import RuleContext
from domain.rules._finding import events_behind, in_days, qualified, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import events_moved, orders_moved
from domain.scores._movers import Since
from domain.wording import mark
from models.event import Event
from models.purchase import Purchase
from models.store import Store

GROUP = "Visits and bookings"


class Params(Base):
    times: int = param(mark("On at least … days"), 1, ge=1, le=10000)
    days: int | None = param(mark("In the last … days"), None, ge=1, le=36500)
    stores: list[str] = param(mark("Stores"), [], pick="store")


def _such(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    such = [Event.kind == "visited", *in_days(Event.day, context, params.days)]
    if params.stores:
        such.append(or_(Event.object.in_(params.stores), Event.data["store"].as_string().in_(params.stores)))
    return such


def _visits(params: Params, context: RuleContext) -> Subquery:
    bought = [Purchase.store_id.is_not(None), *qualified(context, params.days)]
    if params.stores:
        bought.append(Purchase.store_id.in_(select(Store.id).where(Store.key.in_(params.stores))))
    checked_in = select(Event.member_id, Event.day).where(*_such(params, context))
    return union(checked_in, select(Purchase.member_id, Purchase.day).where(*bought)).subquery()


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    visits = _visits(params, context)
    enough = None if params.times == 1 else func.count(distinct(visits.c.day)) >= params.times
    return some(context, visits.c.member_id, having=enough)


def words(params: Params, say: Speaker) -> str:
    where_to = say(" at %(store)s", store=say.named("store", params.stores)) if params.stores else ""
    values = {"n": params.times, "where": where_to, "when": say.within(params.days)}
    if params.times == 1:
        return say("was in a store%(where)s%(when)s", **values)
    return say("was in a store on at least %(n)s days%(where)s%(when)s", **values)


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return events_behind(*_such(params, context))


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    visits = events_moved(since, context, params.days, Event.kind == "visited")
    return [*visits, *orders_moved(since, context, params.days)]
