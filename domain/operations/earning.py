"""What orders earn: the lines a person's ledger lacks so that each order has earned what it now should.

On what terms an order earns is decided once, when it is first seen, and kept on its line: the day and the tier
are those of the moment it was paid, a multiplier's rule is judged when the order becomes known (most of what
rules ask, such as tags, is known only as it is now). Changing the programme rewrites no order's past. Later
only the amount moves: refunds, refunds that come before their sale, lines that come late.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from domain import rules
from domain.calendar import calendar_of
from domain.money import decimals_of
from domain.scores._point_terms import Judged, Terms, ends, terms_from
from domain.scores.points import kept
from models.event import Event
from models.member import Member
from models.points import PointLine
from models.programme import Tier, TierLine, the_brand
from models.purchase import Purchase, PurchaseLine, RefundAllocation

Line = dict[str, Any]
Ledger = Mapping[int, Sequence[PointLine]]


@dataclass(frozen=True, slots=True)
class Bought:
    """An order: what was paid for it (`gross`) and what of that was not paid back (`net`), in minor units."""

    id: int
    member_id: int
    via_id: int | None
    ref: str
    paid_at: datetime
    day: date
    net: int
    gross: int


def is_on(session: Session) -> bool:
    """Whether the brand has points for purchases."""
    return bool(the_brand(session).points)


def missing_lines(session: Session, ids: Collection[int], ledger: Ledger, *, now: datetime) -> list[Line]:
    """The lines that bring each order of these people to what it earns as it is now."""
    terms = terms_from(the_brand(session).points)
    mine = _lines_by_order(ledger)
    bought = _orders(session, ids, terms.since if terms else None)
    orders = [each for each in bought if terms is not None or each.id in mine]
    new = [each for each in orders if each.id not in mine]
    judged = dict(_judged(session, terms, new, now=now)) if terms and new else {}
    made = list(_first_lines(session, terms, judged, new)) if terms and judged else []
    for line in made:
        mine[line["purchase_id"]] = [line]
    decimals = decimals_of(the_brand(session).currency)
    moved = [(each, by) for each in orders if each.id in mine if (by := _moved_by(each, mine[each.id], decimals))]
    made += _corrections(session, terms, moved, mine, now=now)
    return [*made, *_returned(session, ledger, now=now)]


def _lines_by_order(ledger: Ledger) -> dict[int, list[Line]]:
    """Of each order, its lines as far as they matter here."""
    found: dict[int, list[Line]] = defaultdict(list)
    for lines in ledger.values():
        for line in lines:
            if line.purchase_id is not None and line.reason in ("earned", "taken_back"):
                said = {"points": line.points, "evidence": line.evidence, "reason": line.reason}
                found[line.purchase_id].append({**said, "usable_at": line.usable_at, "expires_at": line.expires_at})
    return found


def _orders(session: Session, ids: Collection[int], first: date | None) -> list[Bought]:
    """Orders from the day on that points are for, and not from before their buyer joined."""
    calendar = calendar_of(session)
    sold = func.coalesce(func.sum(case((PurchaseLine.kind == "sale", PurchaseLine.amount), else_=0)), 0)
    query = (
        select(
            Purchase.id, Purchase.member_id, Purchase.via_id, Purchase.order_ref, Purchase.paid_at, Purchase.day,
            Purchase.net_amount, sold, Member.registered_at,
        )
        .join(Member, Member.id == Purchase.member_id)
        .join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id)
        .where(Purchase.member_id.in_(ids), Member.registered_at.is_not(None))
        .group_by(Purchase.id, Member.registered_at)
        .having(sold > 0)
        .order_by(Purchase.paid_at, Purchase.id)
    )  # fmt: skip
    if first is not None:
        query = query.where(Purchase.day >= first)
    return [
        Bought(id, buyer, via_id, ref, paid_at, day, net, int(gross))
        for id, buyer, via_id, ref, paid_at, day, net, gross, joined_at in session.execute(query)
        if day >= calendar.day_of(joined_at)
    ]


def _judged(session: Session, terms: Terms, orders: Sequence[Bought], *, now: datetime) -> Iterator[tuple[int, Judged]]:
    """On what terms each of these orders earns, by purchase."""
    buyers = {each.member_id for each in orders}
    tier_at = _tiers(session, buyers) if any(each.tiers for each in terms.times) else lambda _member, _at: None
    holds = _rules(session, terms, buyers, now=now)
    for order in orders:
        theirs = {key for key, people in holds.items() if order.member_id in people}
        more = terms.highest(order.day, tier_at(order.member_id, order.paid_at), theirs)
        yield order.id, Judged(terms.per, terms.points, more.times if more else 1, more.key if more else None)


def _tiers(session: Session, buyers: Collection[int]) -> Callable[[int, datetime], str | None]:
    """What tier somebody held just before a moment: the order that raises them still earns as before."""
    held: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
    query = (
        select(TierLine.member_id, TierLine.at, Tier.key)
        .join(Tier, Tier.id == TierLine.tier_id)
        .where(TierLine.member_id.in_(buyers))
        .order_by(TierLine.at, TierLine.id)
    )
    for member_id, at, key in session.execute(query):
        held[member_id].append((at, key))
    return lambda member_id, moment: next((key for at, key in reversed(held[member_id]) if at < moment), None)


def _rules(session: Session, terms: Terms, buyers: Collection[int], *, now: datetime) -> dict[str, set[int]]:
    """Of each multiplier with a rule, whom of the buyers it holds for."""
    context = rules.context_of(session, now).for_only(tuple(sorted(buyers)))
    found: dict[str, set[int]] = {}
    for each in terms.times:
        if each.rule is not None:
            such = select(Member.id).where(Member.id.in_(buyers), rules.compile_rule(each.rule, context))
            found[each.key] = set(session.scalars(such))
    return found


def _first_lines(
    session: Session, terms: Terms, judged: Mapping[int, Judged], orders: Sequence[Bought]
) -> Iterator[Line]:
    """What each order earned when it was paid. One that earned nothing is written too: its terms are settled."""
    calendar, decimals = calendar_of(session), decimals_of(the_brand(session).currency)
    picked_up = _picked_up(session, orders)
    for order in orders:
        theirs = judged[order.id]
        from_then = picked_up.get(order.ref, order.paid_at)
        yield _line(order, theirs.earned(order.gross, decimals), "earned", at=order.paid_at, n=0) | {
            "usable_at": from_then + timedelta(days=terms.pending_days),
            "expires_at": ends(terms, order.day, calendar),
            "evidence": {**theirs.evidence(order.gross), "pending_days": terms.pending_days},
        }


def _picked_up(session: Session, orders: Sequence[Bought]) -> dict[str, datetime]:
    buyers = {each.member_id for each in orders}
    picked = select(Event.object, Event.occurred_at).where(Event.kind == "picked_up", Event.member_id.in_(buyers))
    return {(about or "").removeprefix("order:"): at for about, at in session.execute(picked)}


def _line(order: Bought, points: int, reason: str, *, at: datetime, n: int) -> Line:
    cause = f"order:{order.id}:{reason}" + (f":{n}" if n else "")
    return {
        "member_id": order.member_id, "via_id": order.via_id, "points": points, "reason": reason, "at": at,
        "purchase_id": order.id, "cause": cause,
    }  # fmt: skip


def _moved_by(order: Bought, lines: Sequence[Line], decimals: int) -> int:
    """By how much what the order has earned differs from what it earns as it is now."""
    judged = Judged.from_evidence(lines[0]["evidence"])
    wanted = kept(judged.earned(order.gross, decimals), gross=order.gross, net=order.net)
    so_far: int = sum(line["points"] for line in lines)
    return wanted - so_far


def _corrections(
    session: Session,
    terms: Terms | None,
    moved: Sequence[tuple[Bought, int]],
    lines: Mapping[int, Sequence[Line]],
    *,
    now: datetime,
) -> Iterator[Line]:
    refunded = _refunded_at(session, [order.id for order, by in moved if by < 0])
    for order, by in moved:
        n, first = len(lines[order.id]), lines[order.id][0]
        if by < 0:
            at = max(order.paid_at, refunded.get(order.id, now))
            yield _line(order, by, "taken_back", at=at, n=n) | {"evidence": {"net": order.net, "of": order.gross}}
        else:
            kept_on = {name: first[name] for name in ("usable_at", "expires_at", "evidence")}
            yield _line(order, by, "earned", at=order.paid_at, n=n) | kept_on


def _refunded_at(session: Session, purchase_ids: Sequence[int]) -> dict[int, datetime]:
    """When the latest refund of each order was paid back."""
    if not purchase_ids:
        return {}
    refund_line, refund_order = aliased(PurchaseLine), aliased(Purchase)
    paid_back_at = func.coalesce(refund_line.paid_at, refund_order.paid_at, type_=Purchase.paid_at.type)
    query = (
        select(PurchaseLine.purchase_id, func.max(paid_back_at, type_=Purchase.paid_at.type))
        .join(RefundAllocation, RefundAllocation.sale_line_id == PurchaseLine.id)
        .join(refund_line, refund_line.id == RefundAllocation.refund_line_id)
        .join(refund_order, refund_order.id == refund_line.purchase_id)
        .where(PurchaseLine.purchase_id.in_(purchase_ids))
        .group_by(PurchaseLine.purchase_id)
    )
    return dict(session.execute(query).all())


def _returned(session: Session, ledger: Ledger, *, now: datetime) -> Iterator[Line]:
    """Points spent on an order that was paid back whole go back to where they came from."""
    causes = {line.cause for lines in ledger.values() for line in lines}
    spent = [
        line for lines in ledger.values() for line in lines
        if line.reason == "spent" and line.evidence.get("order") and f"returned:{line.cause}" not in causes
    ]  # fmt: skip
    if not spent:
        return
    refs = {line.evidence["order"] for line in spent}
    sold = select(PurchaseLine.id).where(
        PurchaseLine.purchase_id == Purchase.id, PurchaseLine.kind == "sale", PurchaseLine.amount > 0
    )
    query = select(Purchase.order_ref).where(Purchase.order_ref.in_(refs), Purchase.net_amount <= 0, sold.exists())
    whole = set(session.scalars(query))
    for line in spent:
        if line.evidence["order"] in whole:
            yield returning(line, at=max(line.at, now), evidence={"order": line.evidence["order"]})


def returning(line: PointLine, *, at: datetime, evidence: Mapping[str, Any] | None = None) -> Line:
    """The line that undoes a spending."""
    return {
        "member_id": line.member_id, "via_id": line.via_id, "points": -line.points, "reason": "returned", "at": at,
        "cause": f"returned:{line.cause}", "evidence": dict(evidence or {}),
    }  # fmt: skip
