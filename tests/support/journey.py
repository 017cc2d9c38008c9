"""Short ways to make a journey happen on given local days, for tests of scores, metrics and reports."""

from datetime import date, datetime, time
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.metrics import all_metrics, rates
from domain.metrics._counting import measure
from domain.metrics._shape import Figure, Period
from domain.operations.recording import record
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.member import Member
from models.programme import MemberTag, Tag

numbers = count(1)


def local(session: Session, day: date, hour: int = 12, minute: int = 0) -> datetime:
    """The moment of a local wall-clock time."""
    return calendar_of(session).at(day, time(hour, minute))


def happened(session: Session, member: Member | None, kind: str, at: datetime, **more: Any) -> None:
    """An event, learned of when it happened."""
    values = {"source": "test", "occurred_at": at, "now": at, **more}
    record(session, kind, member_id=member.id if member else None, **values)


def make_campaign(session: Session, ref: str, *, at: datetime, **fields: Any) -> Campaign:
    values = {
        "ref": ref, "name": ref, "state": "sent", "state_at": at, "created_at": at, "frozen_at": at,
        "channel_id": the_channel(session).id,
    }  # fmt: skip
    campaign = Campaign(**{**values, **fields})
    session.add(campaign)
    session.flush()
    return campaign


def send(session: Session, campaign: Campaign, member: Member, *, at: datetime, **fields: Any) -> Recipient:
    """A message that was sent to a friend and accepted."""
    values = {"occasion": "", "state": "sent", "due_at": at, "sent_at": at, "was_reachable": True}
    row = Recipient(campaign_id=campaign.id, member_id=member.id, **{**values, **fields})
    session.add(row)
    session.flush()
    return row


def give_tag(session: Session, member: Member, tag: Tag, *, at: datetime, **fields: Any) -> MemberTag:
    row = MemberTag(**{"member_id": member.id, "tag_id": tag.id, "assigned_at": at, "source": "staff", **fields})
    session.add(row)
    session.flush()
    return row


def figure(session: Session, key: str, month: str, *, as_of: datetime) -> Figure:
    """One metric of one month, as known at `as_of`."""
    from domain.calendar import Month

    period = Period(Month.parse(month), calendar_of(session), as_of)
    return measure(session, {**all_metrics(), **rates()}[key], period)


def share(figure: Figure) -> tuple[int, int]:
    return figure.who, figure.of
