"""The steps people took towards a mission: one query for any set of people, whatever asks."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, false, func, literal, or_, select
from sqlalchemy.orm import Session

from domain.calendar import NEWS, Calendar, calendar_of
from domain.money import whole
from domain.scores._mission import PURCHASE, Measure, Round, Step, Window, rounds
from models.campaign import Campaign
from models.event import Event
from models.member import Member
from models.mission import Mission
from models.programme import the_brand
from models.purchase import Purchase, PurchaseLine, RefundAllocation
from models.store import Store

BATCH = 500
OF_LINES: dict[str, Any] = {"products": PurchaseLine.sku, "categories": PurchaseLine.category}


def measure_of(mission: Mission) -> Measure:
    return Measure.model_validate(mission.measure)


def window_of(mission: Mission) -> Window:
    return Window.model_validate(mission.window)


def target_of(session: Session, mission: Mission) -> int:
    """The target as steps are weighed: minor units where an amount is the measure."""
    by_amount = measure_of(mission).by == "amount"
    return whole(mission.target, the_brand(session).currency) if by_amount else mission.target


def measured(session: Session, mission: Mission, member_ids: Collection[int]) -> dict[int, list[Round]]:
    """The rounds of each of these people who took a step; what was refunded is no step."""
    found: dict[int, list[Round]] = {}
    ids, calendar = sorted(set(member_ids)), calendar_of(session)
    window, target = window_of(mission), target_of(session, mission)
    for at in range(0, len(ids), BATCH):
        part = ids[at : at + BATCH]
        steps = _steps(session, mission, part, calendar)
        people = {row.id: row.registered_at for row in session.execute(_dates(part)) if row.id in steps}
        for member_id, registered_at in people.items():
            found[member_id] = rounds(
                steps[member_id], window, target=target, most=mission.rounds, calendar=calendar,
                registered_at=registered_at,
            )  # fmt: skip
    return found


def takers(session: Session, mission: Mission, *, since: datetime | None = None) -> Select[int]:
    """Who took a step that counts; with `since`, one we learned of after then."""
    first, last = _bounds(mission, calendar_of(session))
    measure = measure_of(mission)
    table: Any = Purchase if measure.of == PURCHASE else Event
    at = Purchase.paid_at if measure.of == PURCHASE else Event.occurred_at
    query = select(table.member_id).where(table.member_id.is_not(None), at >= first).distinct()
    if measure.of != PURCHASE:
        query = query.where(Event.kind == measure.of)
    if last is not None:
        query = query.where(at < last)
    return query if since is None else query.where(table.recorded_at > since)


def _dates(ids: Sequence[int]) -> Select[int, datetime | None]:
    return select(Member.id, Member.registered_at).where(Member.id.in_(ids))


def _bounds(mission: Mission, calendar: Calendar) -> tuple[datetime, datetime | None]:
    """From when steps count, and until when."""
    window = window_of(mission)
    assert mission.counts_from is not None
    first = calendar.start(window.from_) if window.from_ else mission.counts_from
    return first, calendar.end(window.until) if window.until else None


def _steps(session: Session, mission: Mission, ids: Sequence[int], calendar: Calendar) -> dict[int, list[Step]]:
    measure, (first, last) = measure_of(mission), _bounds(mission, calendar)
    query = _purchases(measure, the_brand(session).currency) if measure.of == PURCHASE else _events(measure)
    at = query.selected_columns["at"]
    query = query.where(query.selected_columns["member_id"].in_(ids), at >= first)
    if last is not None:
        query = query.where(at < last)
    found: dict[int, list[Step]] = defaultdict(list)
    for row in session.execute(query):
        if not measure.holds_at(row.at, calendar):
            continue
        key = row.what if row.key is None else str(row.key)
        told = row.history_at is not None and row.recorded_at == row.history_at  # by a file of the past
        news = not row.is_history and not told and row.recorded_at - row.at <= NEWS
        found[row.member_id].append(Step(key, row.at, int(row.weight), row.what or key, news))
    return found


def _events(measure: Measure) -> Select[Any]:
    key: Any = {"days": Event.day, "stores": Event.object, "products": Event.object}.get(measure.by, Event.id)
    what = func.coalesce(Event.object, Event.kind)
    query = (
        select(
            Event.member_id.label("member_id"), key.label("key"), Event.occurred_at.label("at"),
            Event.recorded_at.label("recorded_at"), what.label("what"), literal(1).label("weight"),
            Event.is_history.label("is_history"), Member.history_at.label("history_at"),
        )
        .join(Member, Member.id == Event.member_id)
        .where(Event.kind == measure.of)
    )  # fmt: skip
    if measure.object:
        query = query.where(Event.object == measure.object)
    if measure.objects:
        query = query.where(Event.object.in_(measure.objects))
    if measure.stores:
        query = query.where(Event.object.in_(measure.stores))
    if measure.campaign:
        query = query.join(Campaign, Campaign.id == Event.campaign_id).where(Campaign.ref == measure.campaign)
    for name, values in measure.data.items():
        query = query.where(Event.data[name].as_string().in_(values))
    return query


def _purchases(measure: Measure, currency: str) -> Select[Any]:
    """Qualified orders (definitions §1); narrowed to goods, what was kept of these goods."""
    by_line = bool(measure.categories or measure.skus or measure.by in OF_LINES)
    keys: dict[str, Any] = {"days": Purchase.day, "stores": Store.key, **OF_LINES}
    kept = func.sum(PurchaseLine.amount - _returned()) if by_line else Purchase.net_amount
    weight = kept if measure.by == "amount" else literal(1)
    query = (
        select(
            Purchase.member_id.label("member_id"), keys.get(measure.by, Purchase.order_ref).label("key"),
            Purchase.paid_at.label("at"), Purchase.recorded_at.label("recorded_at"),
            Purchase.order_ref.label("what"), weight.label("weight"), false().label("is_history"),
            Member.history_at.label("history_at"),
        )
        .join(Member, Member.id == Purchase.member_id)
        .where(Purchase.net_amount > 0)
    )  # fmt: skip
    if measure.by == "stores" or measure.stores:
        query = query.join(Store, Store.id == Purchase.store_id)
    if measure.stores:
        query = query.where(Store.key.in_(measure.stores))
    if measure.channels:
        query = query.where(Purchase.channel.in_(measure.channels))
    least = whole(measure.min_amount, currency) if measure.min_amount else None
    if not by_line:
        return query if least is None else query.where(Purchase.net_amount >= least)
    query = query.join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id).where(
        PurchaseLine.kind == "sale", PurchaseLine.amount > _returned(), *_goods(measure)
    )
    return query.group_by(*_order_columns(measure)).having(kept >= (least or 1))


def _order_columns(measure: Measure) -> list[Any]:
    columns: list[Any] = [Purchase.id, Member.history_at]
    if measure.by == "stores":
        columns.append(Store.key)
    return [*columns, OF_LINES[measure.by]] if measure.by in OF_LINES else columns


def _goods(measure: Measure) -> list[ColumnElement[bool]]:
    named = [PurchaseLine.category.in_(measure.categories)] if measure.categories else []
    named += [PurchaseLine.sku.in_(measure.skus)] if measure.skus else []
    of_a_kind = [PurchaseLine.category != ""] if measure.by == "categories" else []
    return [or_(*named), *of_a_kind] if named else of_a_kind


def _returned() -> Any:
    back = select(func.coalesce(func.sum(RefundAllocation.amount), 0))
    return back.where(RefundAllocation.sale_line_id == PurchaseLine.id).correlate(PurchaseLine).scalar_subquery()
