"""What tiers are judged by: the ladder of each day, and what people spent or on which days they came."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select, union_all
from sqlalchemy.orm import Session, aliased

from domain.calendar import Calendar
from domain.money import whole
from domain.scores.tier import Rules, Spend
from models.event import Event
from models.programme import Ladder, Tier, the_brand
from models.purchase import Purchase, PurchaseLine, RefundAllocation
from models.rows import among

ALWAYS = date(1970, 1, 1)


def rules_of(session: Session, ladder: Sequence[Tier]) -> list[Rules]:
    """What held on which day, the earliest first, in the order of the tiers of today."""
    newest = {row.from_day: row for row in session.scalars(select(Ladder).order_by(Ladder.from_day, Ladder.id))}
    if not newest:
        brand = the_brand(session)
        return [Rules(ALWAYS, tuple(tier.threshold for tier in ladder), brand.tiers_by, brand.tiers_fall)]
    return [
        Rules(day, tuple(row.thresholds.get(tier.key) for tier in ladder), row.measure, row.fall)
        for day, row in newest.items()
    ]


def counting(
    session: Session, ids: Sequence[int], ladder: Sequence[Rules], calendar: Calendar
) -> dict[int, list[Spend]]:
    """Whatever counts on any of these ladders, by person."""
    measures = {rules.measure for rules in ladder}
    found: dict[int, list[Spend]] = defaultdict(list)
    for measure, read in (("spend", _spends), ("visits", _visits)):
        if measure in measures:
            for member_id, spends in read(session, ids, calendar).items():
                found[member_id] += spends
    return found


def _spends(session: Session, ids: Sequence[int], calendar: Calendar) -> dict[int, list[Spend]]:
    """Orders as first paid, and each refund on its own day against its order's day."""
    spends: dict[int, list[Spend]] = defaultdict(list)
    sales = (
        select(Purchase.member_id, Purchase.order_ref, Purchase.paid_at, Purchase.day, PurchaseLine.amount)
        .join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id)
        .where(among(session, Purchase.member_id, ids), PurchaseLine.kind == "sale")
    )
    for member_id, ref, paid_at, day, amount in session.execute(sales):
        assert member_id is not None  # the query asks for these members
        spends[member_id].append(Spend(paid_at, day, day, amount, ref))
    refund_line, refund_order = aliased(PurchaseLine), aliased(Purchase)
    paid_back_at = func.coalesce(refund_line.paid_at, refund_order.paid_at, type_=Purchase.paid_at.type)
    refunds = (
        select(Purchase.member_id, Purchase.order_ref, paid_back_at, Purchase.day, RefundAllocation.amount)
        .join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id)
        .join(RefundAllocation, RefundAllocation.sale_line_id == PurchaseLine.id)
        .join(refund_line, refund_line.id == RefundAllocation.refund_line_id)
        .join(refund_order, refund_order.id == refund_line.purchase_id)
        .where(among(session, Purchase.member_id, ids))
    )
    for member_id, ref, at, order_day, amount in session.execute(refunds):
        assert member_id is not None
        spends[member_id].append(Spend(at, calendar.day_of(at), order_day, -amount, ref))
    return _by_order(spends)


def _by_order(spends: dict[int, list[Spend]]) -> dict[int, list[Spend]]:
    """An order's lines as one spend: thresholds are reached by orders, not by lines."""
    folded: dict[int, list[Spend]] = defaultdict(list)
    for member_id, each in spends.items():
        sums: dict[tuple[datetime, date, date, str, bool], int] = defaultdict(int)
        for spend in each:
            sums[(spend.at, spend.day, spend.order_day, spend.ref, spend.amount < 0)] += spend.amount
        folded[member_id] = [
            Spend(at, day, order_day, amount, ref) for (at, day, order_day, ref, _), amount in sums.items()
        ]
    return folded


def _visits(session: Session, ids: Sequence[int], calendar: Calendar) -> dict[int, list[Spend]]:
    """Each day in a store once, whether checked in or bought there; it weighs one whole unit of a threshold."""
    came = select(Event.member_id, Event.day, Event.occurred_at.label("at")).where(
        Event.kind == "visited", among(session, Event.member_id, ids)
    )
    bought = select(Purchase.member_id, Purchase.day, Purchase.paid_at.label("at")).where(
        among(session, Purchase.member_id, ids), Purchase.store_id.is_not(None), Purchase.net_amount > 0
    )
    each = union_all(came, bought).subquery()
    days = select(each.c.member_id, each.c.day, func.min(each.c.at, type_=each.c.at.type))
    weight = whole(1, the_brand(session).currency)
    visits: dict[int, list[Spend]] = defaultdict(list)
    for member_id, day, at in session.execute(days.group_by(each.c.member_id, each.c.day)):
        visits[member_id].append(Spend(at, day, day, weight, day.isoformat(), "visits"))
    return visits
