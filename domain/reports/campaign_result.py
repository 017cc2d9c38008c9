"""What became of a send: everyone addressed, by outcome; who was reached, who answered, and how segments differ."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, distinct, func, literal, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.metrics._counting import measure
from domain.metrics._shape import Figure, Period, Rows
from domain.metrics.segment_engagement import ANSWER_HOURS, METRIC, answers
from domain.reports.judging import AgainstRest, Gap, against_rest, gap
from models.campaign import OVER_CHUNKS, Campaign, CampaignChunk, Recipient
from models.event import Event
from models.member import Member

# What is still under way, what was done, and what kept people back: the order of the bar.
ORDER = (
    "sent", "ready", "unsure", "failed", "held_out", "cap", "blocked", "no_line_id", "opted_out", "care_open", "erased",
    "expired", "stopped",
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """Audience = the sum of `outcomes` (I3)."""

    outcomes: dict[str, int]
    audience: int
    reached: int
    answered: Figure
    is_final: bool
    gap: Gap | None
    against_rest: dict[str, AgainstRest]
    anonymous_clicks: int
    conversions: dict[str, int]
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    lag_seconds: int | None


def result(session: Session, campaign: Campaign, *, now: datetime) -> Result:
    """As known now; answers are counted for 72 hours after each message."""
    outcomes = _outcomes(session, campaign)
    answered = _answered(session, campaign, now)
    first, last = _sent_between(session, campaign)
    return Result(
        outcomes=outcomes,
        audience=sum(outcomes.values()),
        reached=answered.of,
        answered=answered,
        is_final=last is not None and now > last + timedelta(hours=ANSWER_HOURS),
        gap=gap(answered),
        against_rest=against_rest(answered),
        anonymous_clicks=_anonymous(session, campaign),
        conversions=_conversions(session, campaign),
        first_sent_at=first,
        last_sent_at=last,
        lag_seconds=_lag(campaign, first),
    )


def people_query(session: Session, campaign: Campaign, outcome: str, *, now: datetime) -> Select[int]:
    """The member ids behind a figure of the result: an outcome, `reached`, `answered` or `not_answered`."""
    if outcome in ("reached", "answered", "not_answered"):
        rows = _rows(session, campaign, now).subquery()
        ids = select(rows.c.member_id)
        return ids if outcome == "reached" else ids.where(rows.c.hit == (1 if outcome == "answered" else 0))
    return _with_chunks(select(Recipient.member_id), campaign).where(_outcome() == outcome)


def progress(session: Session, campaign: Campaign) -> tuple[int, int]:
    """(people dealt with, people to send to) of a campaign under way, from its chunks."""
    chunk = CampaignChunk
    done = case((chunk.state.in_(OVER_CHUNKS), chunk.size), else_=0)
    query = select(func.sum(done), func.sum(chunk.size)).where(chunk.campaign_id == campaign.id)
    row = session.execute(query).one()
    return int(row[0] or 0), int(row[1] or 0)


def _with_chunks(query: Select[*tuple[Any, ...]], campaign: Campaign) -> Select[*tuple[Any, ...]]:
    """Adds the chunks that are done but whose people have not followed yet (line/settling.py)."""
    chunk = CampaignChunk
    unsettled = and_(
        chunk.campaign_id == Recipient.campaign_id, chunk.no == Recipient.chunk_no, Recipient.state == "ready",
        chunk.settled_at.is_(None), chunk.state.in_(OVER_CHUNKS),
    )  # fmt: skip
    return query.select_from(Recipient).outerjoin(chunk, unsettled).where(Recipient.campaign_id == campaign.id)


def _outcome() -> ColumnElement[str]:
    state = func.coalesce(CampaignChunk.state, Recipient.state)
    reason = func.coalesce(CampaignChunk.reason, Recipient.reason, "withheld")
    return case((state == "withheld", reason), else_=state)


def _outcomes(session: Session, campaign: Campaign) -> dict[str, int]:
    outcome = _outcome().label("outcome")
    mine = _with_chunks(select(outcome, func.count()), campaign).group_by(outcome)
    counted: dict[str, int] = {row[0]: row[1] for row in session.execute(mine)}
    known = {name: counted.pop(name) for name in ORDER if name in counted}
    return {**known, **counted}


def _rows(session: Session, campaign: Campaign, now: datetime) -> Rows:
    calendar = calendar_of(session)
    found = answers(Period(calendar.month_of(now), calendar, now)).where(Recipient.campaign_id == campaign.id)
    rows = found.subquery()
    # The campaign's own page shows answers as they come; the monthly figure waits until all are in.
    return select(rows.c.member_id, rows.c.part, rows.c.hit, literal(0).label("pending"), rows.c.segments)


def _answered(session: Session, campaign: Campaign, now: datetime) -> Figure:
    calendar = calendar_of(session)
    metric = replace(METRIC, rows=lambda _period: _rows(session, campaign, now))
    figure = measure(session, metric, Period(calendar.month_of(now), calendar, now))
    return figure.parts.get(campaign.ref, Figure(0, 0))


def _sent_between(session: Session, campaign: Campaign) -> tuple[datetime | None, datetime | None]:
    query = select(func.min(Recipient.sent_at), func.max(Recipient.sent_at))
    row = session.execute(query.where(Recipient.campaign_id == campaign.id)).one()
    return row[0], row[1]


def _anonymous(session: Session, campaign: Campaign) -> int:
    clicks = select(func.count()).where(Event.campaign_id == campaign.id, Event.kind == "clicked")
    return session.scalar(clicks.where(Event.member_id.is_(None))) or 0


def _conversions(session: Session, campaign: Campaign) -> dict[str, int]:
    """People who finished a key action that this send led to, by type."""
    kind = Event.data["type"].as_string()
    query = select(kind, func.count(distinct(Event.member_id))).where(
        Event.campaign_id == campaign.id, Event.kind == "conversion_completed"
    )
    counted = query.join(Member, Member.id == Event.member_id).where(
        Member.is_test.is_(False), Member.is_staff.is_(False)
    )
    return {name: count for name, count in session.execute(counted.group_by(kind)) if name}


def _lag(campaign: Campaign, first: datetime | None) -> int | None:
    """Seconds between when it should have begun and the first message accepted (C2)."""
    due = max(filter(None, (campaign.scheduled_at, campaign.frozen_at)), default=None)
    return int((first - due).total_seconds()) if first and due else None
