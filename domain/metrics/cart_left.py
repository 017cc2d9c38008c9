"""Of the members who put something into a cart during the month, those who had not ordered anything 72 hours
after the last addition.

A cart whose 72 hours have not passed is too early to tell (definitions §10).
"""

from sqlalchemy import exists, func, literal, select

from domain.metrics._people import is_member
from domain.metrics._shape import Metric, Period, Rows, first_paragraph, flag
from domain.wording import mark
from models.arithmetic import hours_later
from models.event import Event
from models.member import Member
from models.purchase import Purchase

WAIT_HOURS = 72


def rows(period: Period) -> Rows:
    carts = (
        select(Event.member_id, func.max(Event.occurred_at, type_=Event.occurred_at.type).label("at"))
        .join(Member, Member.id == Event.member_id)
        .where(
            is_member(period.last_moment),
            Event.kind == "carted",
            Event.day.between(period.month.first, period.month.last),
            Event.recorded_at <= period.as_of,
        )
        .group_by(Event.member_id)
        .subquery("carts")
    )
    ends = hours_later(carts.c.at, WAIT_HOURS)
    ordered = exists(
        select(1)
        .where(
            Purchase.member_id == carts.c.member_id,
            Purchase.net_amount > 0,
            Purchase.paid_at >= carts.c.at,
            Purchase.paid_at <= ends,
            Purchase.recorded_at <= period.as_of,
        )
        .correlate(carts)
    )
    return select(
        carts.c.member_id, literal("").label("part"), flag(~ordered).label("hit"),
        flag(ends > period.as_of).label("pending"),
    )  # fmt: skip


METRIC = Metric(
    key="cart_left",
    place=23,
    title=mark("Carts left behind"),
    definition=first_paragraph(__doc__),
    sentence=mark("%(who)s of %(of)s members with a cart left it: no order within 72 hours."),
    trust=mark(
        "Needs the shop to tell us both of carts and of orders; where only carts come, everybody seems to leave."
    ),
    rows=rows,
    rests_on=("carted", "purchase"),
)
