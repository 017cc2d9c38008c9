"""Where everyone stood at a month's end: RFM group, life-cycle state, tier, tagged or not. Stored once."""

from array import array
from collections import defaultdict
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from domain.calendar import Calendar, Month, calendar_of
from domain.metrics import tag_coverage
from domain.metrics._people import counts
from domain.metrics._shape import Period, Rows
from domain.operations.closing import first_month
from domain.operations.recording import insert_for
from domain.scores import rfm_quintiles
from domain.scores._everyone import scores
from domain.scores._figures import everyone, purchase_figures
from domain.scores.churn import NEVER
from domain.scores.rfm_quintiles import Cuts
from models.member import Member
from models.packing import pack
from models.people_set import READ_AT_ONCE, grouped_ids
from models.programme import Tier, TierLine, the_brand
from models.score import Snapshot

NO_GROUP = "none"  # who bought nothing in the window
Standing = dict[tuple[str, str], "array[int]"]


def months_to_take(session: Session, *, now: datetime) -> list[Month]:
    """Months that have ended and have no snapshot, oldest first."""
    first, running = first_month(session), calendar_of(session).month_of(now)
    if first is None:
        return []
    done = set(session.scalars(select(Snapshot.month).distinct()))
    months = (first.plus(n) for n in range((running.year - first.year) * 12 + running.number - first.number))
    return [month for month in months if str(month) not in done]


def take_snapshot(session: Session, month: Month, *, now: datetime) -> int:
    """Counts and stores the month's end in one transaction; how many values there are."""
    return store(session, count(session, month, now=now))


def count(session: Session, month: Month, *, now: datetime) -> list[dict[str, Any]]:
    """Where everyone stood, packed; reads only."""
    calendar = calendar_of(session)
    standing: Standing = defaultdict(lambda: array("I"))
    _scores(session, month, calendar, standing)
    _quintiles(session, month, calendar, standing)
    _tiers(session, month, calendar, standing)
    _tagged(session, Period(month, calendar, now), standing)
    return [
        {
            "month": str(month), "dimension": dimension, "value": value,
            "count": len(ids), "ids": pack(ids), "taken_at": now,
        }
        for (dimension, value), ids in sorted(standing.items())
    ]  # fmt: skip


def store(session: Session, rows: list[dict[str, Any]]) -> int:
    """Stores a month's end that was counted. A value stored before stays as it is."""
    if rows:
        unique = ["month", "dimension", "value"]
        session.execute(insert_for(session)(Snapshot).values(rows).on_conflict_do_nothing(index_elements=unique))
    return len(rows)


def _scores(session: Session, month: Month, calendar: Calendar, standing: Standing) -> None:
    scored = scores(month.last, calendar=calendar, currency=the_brand(session).currency).subquery("scored")
    people = (
        select(scored.c.member_id, scored.c.rfm_group, scored.c.napl, scored.c.napl_purchases)
        .join(Member, Member.id == scored.c.member_id)
        .where(counts(), scored.c.napl.is_not(None))
    )
    among = people.subquery("people")
    kinds = [among.c.rfm_group, among.c.napl, func.coalesce(among.c.napl_purchases, NEVER)]
    for group, state, by_purchases, ids in grouped_ids(session, kinds, among.c.member_id):
        standing["rfm", group].extend(ids)
        standing["napl", state].extend(ids)
        standing["napl_purchases", by_purchases].extend(ids)


def _quintiles(session: Session, month: Month, calendar: Calendar, standing: Standing) -> None:
    """The groups by quintiles; while there are too few buyers for them, none are kept."""
    figures = purchase_figures(month.last, everyone).subquery("figures")
    known = and_(Member.id == figures.c.member_id, Member.erased_at.is_(None), Member.merged_into_id.is_(None))
    bought = select(figures.c.member_id, figures.c.last_day, figures.c.days_365, figures.c.amount_365)
    buyers = bought.join(Member, known).where(figures.c.days_365 > 0)
    cut = _cuts(session, month.last, buyers)
    if cut is None:
        return
    members = buyers.where(counts(), Member.registered_at < calendar.end(month.last)).subquery("members")
    group = rfm_quintiles.scores(members.c, month.last, cut)["quintile_group"]
    _add(session, standing, "rfm_quintile", select(members.c.member_id, group.label("value")))
    standing["rfm_quintile", NO_GROUP].extend(standing["rfm", NO_GROUP])


def _cuts(session: Session, day: date, buyers: Rows) -> Cuts | None:
    """As every night's (ranking.py), of another day: read once, since each pass counts all orders anew."""
    values = [array("q"), array("q"), array("q")]
    query = buyers.execution_options(yield_per=READ_AT_ONCE)
    for _, last_day, days, amount in session.execute(query):
        for column, value in zip(values, ((day - last_day).days, days, amount), strict=True):
            column.append(int(value))
    if len(values[0]) < rfm_quintiles.NEEDED_BUYERS:
        return None
    recency, frequency, monetary = (rfm_quintiles.cut_points(sorted(column)) for column in values)
    return Cuts(recency, frequency, monetary, len(values[0]))


def _tiers(session: Session, month: Month, calendar: Calendar, standing: Standing) -> None:
    """The tier of each one's last ledger line before the month's end; of a member without one, the first."""
    newest_first = func.row_number().over(
        partition_by=TierLine.member_id, order_by=(TierLine.at.desc(), TierLine.id.desc())
    )
    lines = (
        select(TierLine.member_id, TierLine.tier_id, newest_first.label("place"))
        .where(TierLine.at < calendar.end(month.last))
        .subquery("lines")
    )
    first = select(Tier.id).where(Tier.rank == 0).scalar_subquery()
    people = (
        select(Member.id.label("member_id"), Tier.key.label("value"))
        .outerjoin(lines, and_(lines.c.member_id == Member.id, lines.c.place == 1))
        .join(Tier, Tier.id == func.coalesce(lines.c.tier_id, first))
        .where(counts(), or_(lines.c.tier_id.is_not(None), Member.registered_at < calendar.end(month.last)))
    )
    _add(session, standing, "tier", people)


def _tagged(session: Session, period: Period, standing: Standing) -> None:
    rows = tag_coverage.rows(period).subquery("rows")
    value = case((rows.c.hit == 1, "yes"), else_="no")
    _add(session, standing, "tagged", select(rows.c.member_id, value.label("value")))


def _add(session: Session, standing: Standing, dimension: str, people: Rows) -> None:
    among = people.subquery("people")
    for value, ids in grouped_ids(session, [among.c.value], among.c.member_id):
        standing[dimension, value].extend(ids)
