"""All scores of everyone as of the end of a day, as one select: for the night's run and for month ends."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Subquery, case, func, literal, or_, select, true

from domain.calendar import Calendar
from domain.scores import amount_trend, category_affinity, funnel_stage, napl, repurchase_cycle, rfm
from domain.scores._figures import Among, Rows, everyone, purchase_figures
from models.arithmetic import local_day
from models.member import Member

COLUMNS = (
    "member_id", "as_of", "first_day", "last_day", "purchase_days", "days_365", "amount_365",
    "last_activity_day", "rfm_r", "rfm_f", "rfm_m", "rfm_group", "napl",
    "napl_purchases", "funnel_stage", "amount_trend", "model_from", "repeat_days", "repeat_amount",
)  # fmt: skip

COUNTED = ("purchase_days", "days_365", "amount_365", "days_30", "amount_now", "amount_before")
MODELLED = ("model_from", "repeat_days", "repeat_amount")
GAPS = ("gap_count", "gap_median", "gaps")
CYCLE = (*GAPS, "cycle_days", "due_on", "affinity")


def scores(day: date, *, calendar: Calendar, currency: str, among: Among = everyone) -> Rows:
    """COLUMNS for every known person of those asked for.

    Who is no member by then has no NAPL state; the erased and the merged away have no row.
    """
    figures = _once(_figures(day, calendar, among), "figures")
    activity = napl.last_activity(figures.c.joined, figures.c.last_day, figures.c.last_action_day)
    rated = _once(
        select(
            figures,
            case((figures.c.joined.is_not(None), activity)).label("last_activity_day"),
            rfm.recency(figures.c.last_day, figures.c.days_365, day=day).label("rfm_r"),
            rfm.frequency(figures.c.days_365).label("rfm_f"),
            rfm.monetary(figures.c.amount_365, figures.c.days_365, currency=currency).label("rfm_m"),
        ),
        "rated",
    )
    made: dict[str, ColumnElement[Any]] = {
        "as_of": literal(day),
        "rfm_group": rfm.group(rated.c.rfm_r, rated.c.rfm_f, rated.c.rfm_m),
        "napl": case((rated.c.joined.is_not(None), _napl(rated, day, currency))),
        "napl_purchases": case((rated.c.joined.is_not(None), _by_purchases(rated, day))),
        "funnel_stage": funnel_stage.stage(rated.c.days_30, rated.c),
        "amount_trend": amount_trend.percent(rated.c.amount_now, rated.c.amount_before),
    }
    return select(*(made[name].label(name) if name in made else rated.c[name] for name in COLUMNS)).where(true())


def _once(query: Rows, name: str) -> Subquery:
    """A subquery whose columns are computed once: PostgreSQL would repeat their expressions wherever they are named."""
    return query.offset(0).subquery(name)


def _figures(day: date, calendar: Calendar, among: Among) -> Rows:
    bought = purchase_figures(day, among).subquery("bought")
    acted = napl.action_figures(day, calendar, among).subquery("acted")
    ended = calendar.end(day)
    joined = case((Member.registered_at < ended, local_day(Member.registered_at, calendar.zone.key)))
    stepped = funnel_stage.step_figures(day, calendar, among).subquery("stepped")
    counted = (func.coalesce(bought.c[name], 0).label(name) for name in COUNTED)
    return (
        select(
            Member.id.label("member_id"),
            joined.label("joined"),
            bought.c.first_day,
            bought.c.last_day,
            *(bought.c[name] for name in MODELLED),
            *counted,
            *(func.coalesce(stepped.c[step], 0).label(step) for step in funnel_stage.STEPS),
            acted.c.last_action_day,
            func.coalesce(acted.c.referrals, 0).label("referrals"),
        )
        .outerjoin(bought, bought.c.member_id == Member.id)
        .outerjoin(acted, acted.c.member_id == Member.id)
        .outerjoin(stepped, stepped.c.member_id == Member.id)
        .where(Member.erased_at.is_(None), Member.merged_into_id.is_(None), among(Member.id))
        # Imported people were made today, but joined long ago.
        .where(or_(Member.created_at < ended, Member.registered_at < ended))
    )


def _napl(rated: Subquery, day: date, currency: str) -> ColumnElement[str]:
    return napl.state(
        joined=rated.c.joined,
        activity=rated.c.last_activity_day,
        last_action=rated.c.last_action_day,
        purchase_days=rated.c.purchase_days,
        days_365=rated.c.days_365,
        amount_365=rated.c.amount_365,
        referrals=rated.c.referrals,
        day=day,
        currency=currency,
    )


def _by_purchases(rated: Subquery, day: date) -> ColumnElement[Any]:
    return napl.state_by_purchases(rated.c.purchase_days, rated.c.last_day, day=day)


def with_cycles(day: date, *, calendar: Calendar, currency: str, everyones: float | None, among: Among) -> Rows:
    """COLUMNS and CYCLE: all that is stored of a person."""
    scored = scores(day, calendar=calendar, currency=currency, among=among).subquery("scored")
    gaps = repurchase_cycle.gap_figures(day, among).subquery("gap_figures")
    cycle = repurchase_cycle.cycle_days(gaps.c.gap_count, gaps.c.gap_median, everyones)
    due = repurchase_cycle.due_on(scored.c.last_day, cycle)
    likes = category_affinity.affinity_figures(day, among).subquery("likes")
    kept = (*(scored.c[name] for name in COLUMNS), *(gaps.c[name] for name in GAPS))
    return (
        select(*kept, cycle.label("cycle_days"), due.label("due_on"), likes.c.affinity)
        .outerjoin(gaps, gaps.c.member_id == scored.c.member_id)
        .outerjoin(likes, likes.c.member_id == scored.c.member_id)
        .where(true())  # or SQLite would read ON CONFLICT as the join's
    )
