"""Fits how likely first buyers are to come back, once a month, and says it of those whose 90 days still run.

Needs numpy and scipy, as forecasting does.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from domain.money import decimals_of
from domain.operations import forecasting
from domain.scores.models import first_buyer
from domain.scores.models.first_buyer import First
from domain.scores.second_purchase import DAYS, band
from models.event import Event
from models.member import Member
from models.programme import the_brand
from models.purchase import Purchase, PurchaseLine
from models.rows import table_of
from models.score import MemberForecast, MemberScore
from models.store import Store

LEARNT_FROM = timedelta(days=730)
MOST = 50_000  # the latest so many first buyers; more would teach it nothing
READ_AT_ONCE = 10_000
WAIT = timedelta(days=DAYS)
KINDS = {name: MemberForecast.__table__.c[name].type for name in ("member_id", "likely_again", "likely_again_band")}
SEASONS = ("winter", "spring", "summer", "autumn")


def fit_if_due(session: Session, *, day: date, now: datetime) -> bool:
    """Fits anew when another month has begun, or when it was refused for want of people."""
    if not forecasting.is_due(session, first_buyer.NAME, day=day):
        return False
    learnt = list(_learnt(session, day))
    fit = first_buyer.fit([first for first, _ in learnt], [back for _, back in learnt])
    forecasting.keep_fit(session, first_buyer.NAME, fit, day=day, now=now)
    return True


def _learnt(session: Session, day: date) -> Iterator[tuple[First, bool]]:
    """First orders whose 90 days have passed, oldest first, and whether a second purchase day fell into them."""
    again = aliased(Purchase)
    second = (
        select(func.min(again.day))
        .where(again.member_id == MemberScore.member_id, again.net_amount > 0, again.day > MemberScore.first_day)
        .scalar_subquery()
    )
    whose = MemberScore.first_day.between(day - LEARNT_FROM, day - WAIT)
    rows = list(_firsts(session, whose, second.label("again"), MemberScore.first_day.label("began")))
    for first, (back, began) in sorted(rows, key=lambda row: row[1][1])[-MOST:]:
        yield first, back is not None and back <= began + WAIT


def store(session: Session, *, day: date) -> int:
    """Says it of people who bought once, in the last 90 days, and of nobody else any more; how many it changed."""
    last = forecasting.last_fit(session, first_buyer.NAME)
    found: dict[int, float] = {}
    if last is not None and not last.refused:
        whose = and_(MemberScore.purchase_days == 1, MemberScore.first_day > day - WAIT)
        rows = list(_firsts(session, whose, MemberScore.member_id))
        chances = first_buyer.probabilities([first for first, _ in rows], last.params)
        found = {ids[0]: round(float(each), 4) for (_, ids), each in zip(rows, chances, strict=True)}
    usual = float(last.facts.get("usual", 0)) if last is not None else 0.0
    return _write(session, found, usual)


def _write(session: Session, found: dict[int, float], usual: float) -> int:
    """Rows are there for every buyer; only what differs is written."""
    stands = select(MemberForecast.member_id, MemberForecast.likely_again, MemberForecast.likely_again_band)
    said = or_(MemberForecast.likely_again.is_not(None), MemberForecast.likely_again_band.is_not(None))
    before = {row[0]: (row[1], row[2]) for row in session.execute(stands.where(said))}
    wanted = {id: (chance, band(chance, usual)) for id, chance in found.items()}
    changed = {id: wanted.get(id, (None, None)) for id in before.keys() | wanted.keys()}
    rows = [[id, *said] for id, said in sorted(changed.items()) if before.get(id, (None, None)) != said]
    for start in range(0, len(rows), READ_AT_ONCE):
        fresh = table_of(session, "fresh", KINDS, rows[start : start + READ_AT_ONCE])
        values = {name: fresh.c[name] for name in KINDS if name != "member_id"}
        session.execute(
            update(MemberForecast).where(MemberForecast.member_id == fresh.c.member_id).values(values),
            execution_options={"synchronize_session": False},
        )
    return len(rows)


def _firsts(session: Session, whose: ColumnElement[bool], *more: Any) -> Iterator[tuple[First, tuple[Any, ...]]]:
    """The first order of each, with further columns of theirs; of several orders that day the largest amounts count."""
    category = (
        select(PurchaseLine.category)
        .where(PurchaseLine.purchase_id == Purchase.id, PurchaseLine.kind == "sale")
        .order_by(PurchaseLine.amount.desc(), PurchaseLine.line_no)
        .limit(1)
        .scalar_subquery()
    )
    source = (
        select(Event.data["entry_source"].as_string())
        .where(Event.member_id == Member.id, Event.kind == "followed")
        .order_by(Event.occurred_at)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        select(
            MemberScore.member_id, Purchase.net_amount, Purchase.day, Purchase.paid_at, Purchase.channel, Store.key,
            Member.registered_at, category, source, *more,
        )
        .join(Member, Member.id == MemberScore.member_id)
        .join(Purchase, and_(Purchase.member_id == MemberScore.member_id, Purchase.day == MemberScore.first_day))
        .outerjoin(Store, Store.id == Purchase.store_id)
        .where(Purchase.net_amount > 0, MemberScore.first_day.is_not(None), whose)
        .order_by(MemberScore.member_id, Purchase.net_amount.desc(), Purchase.id)
    )  # fmt: skip
    units, seen = 10 ** decimals_of(the_brand(session).currency), None
    for id, amount, bought_on, paid_at, channel, shop, joined, kind, how, *others in session.execute(
        query, execution_options={"yield_per": READ_AT_ONCE}
    ):
        if id != seen:
            known = max(0.0, (paid_at - joined).total_seconds() / 86_400) if joined else 0.0
            season = SEASONS[bought_on.month % 12 // 3]
            kinds = (kind or "", channel or "", shop or "", str(bought_on.weekday()), season, how or "")
            yield First(amount / units, known, kinds), tuple(others)
        seen = id
