"""The people behind a figure of the review, page by page.

Of a closed month they are those stored with it, of a large brand's open month those stored with its draft,
else those counted now.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.metrics._counting import TOP, Place, people
from domain.metrics._shape import Metric, Period
from models.member import Member
from models.packing import People, layers_of, unpack_layers
from models.rollup import DraftPeople, MonthDraft
from models.score import MonthClose, MonthPeople

PAGE_SIZE = 50
# Between a part and its segment in a stored key; no name holds it.
BETWEEN = "\x1f"


@dataclass(frozen=True)
class Behind:
    """A page of (member id, times counted), newest first; `total` counts times, as the figure does."""

    people: list[tuple[int, int]]
    times_by_ref: dict[str, int]
    total: int
    persons: int
    next_after: str | None


def key_of(place: Place) -> str:
    """Under which part the people of a figure are stored."""
    return BETWEEN.join(each for each in place if each)


def behind(
    session: Session, metric: Metric, month: Month, *, place: Place, side: str, after: str | None = None, now: datetime
) -> Behind:
    """The page after the member whose ref is `after`."""
    before_id = session.scalar(select(Member.id).where(Member.ref == after)) if after else None
    layers = _stored(session, metric, month, place, side)
    if layers is not None:
        return _of_layers(session, layers, before_id)
    return _counted(session, metric, Period(month, calendar_of(session), now), place, side, before_id)


def layers_behind(session: Session, metric: Metric, month: Month, *, side: str, now: datetime) -> list[People]:
    """Whom the metric's own figure counts at least once, at least twice, …"""
    layers = _stored(session, metric, month, TOP, side)
    if layers is not None:
        return layers
    counted = people(metric, Period(month, calendar_of(session), now), place=TOP, side=side)
    return layers_of(Counter({row[0]: int(row[1]) for row in session.execute(counted)}).elements())


def _of_layers(session: Session, layers: list[People], before_id: int | None) -> Behind:
    everyone = layers[0] if layers else People()
    # How many have a lower id: from there the page goes down.
    end = everyone.rank(before_id - 1) if before_id else len(everyone)
    page = [(each, sum(each in layer for layer in layers)) for each in everyone[max(0, end - PAGE_SIZE - 1) : end]]
    return _page(session, page[::-1], total=sum(map(len, layers)), persons=len(everyone))


def _stored(session: Session, metric: Metric, month: Month, place: Place, side: str) -> list[People] | None:
    """The people of a closed month or of a draft; None where there is neither."""
    chosen = {"metric": metric.key, "part": key_of(place), "side": side}
    if session.scalar(select(MonthClose.id).where(MonthClose.month == str(month))) is not None:
        packed = session.scalar(select(MonthPeople.ids).filter_by(month=str(month), **chosen))
    else:
        draft_id = session.scalar(select(MonthDraft.id).where(MonthDraft.month == str(month)))
        if draft_id is None:
            return None
        packed = session.scalar(select(DraftPeople.ids).filter_by(draft_id=draft_id, **chosen))
    return unpack_layers(packed) if packed else []


def _counted(
    session: Session, metric: Metric, period: Period, place: Place, side: str, before_id: int | None
) -> Behind:
    everyone = people(metric, period, place=place, side=side).subquery("everyone")
    total, persons = session.execute(
        select(func.coalesce(func.sum(everyone.c.times), 0), func.count()).select_from(everyone)
    ).one()
    query = select(everyone.c.member_id, everyone.c.times).order_by(everyone.c.member_id.desc()).limit(PAGE_SIZE + 1)
    if before_id is not None:
        query = query.where(everyone.c.member_id < before_id)
    page = [(row[0], int(row[1])) for row in session.execute(query)]
    return _page(session, page, total=int(total), persons=persons)


def _page(session: Session, page: list[tuple[int, int]], *, total: int, persons: int) -> Behind:
    shown = page[:PAGE_SIZE]
    refs = {
        row[0]: row[1]
        for row in session.execute(select(Member.id, Member.ref).where(Member.id.in_([each for each, _ in shown])))
    }
    times = {refs[each]: count for each, count in shown if each in refs}
    following = refs.get(shown[-1][0]) if len(page) > PAGE_SIZE else None
    return Behind(shown, times, total, persons, following)
