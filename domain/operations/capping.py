"""The weekly cap: how much marketing a person has had, or has been promised. One answer for one and for all."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, CompoundSelect, Select, func, literal, select, true, union_all

from models.campaign import Campaign, Recipient
from models.member import Member
from models.outbox import OutgoingMessage
from models.programme import Brand

WEEK = timedelta(days=7)
# Campaigns whose people are promised a message that has not gone yet.
UNDER_WAY = ("freezing", "sending", "paused")


def over_cap(
    brand: Brand, *, at: datetime, besides: int | None = None, member_ids: Collection[int] | None = None
) -> ColumnElement[bool]:
    """Over Member: has had, or is about to have, as many marketing messages in seven days as the brand allows.

    `besides` leaves one campaign out; `member_ids` is for asking about a few people only.
    """
    if brand.weekly_cap is None:
        return literal(False)
    if brand.weekly_cap <= 0:
        return true()
    each = contacts(at=at, besides=besides, member_ids=member_ids).subquery()
    busy = select(each.c.member_id).group_by(each.c.member_id).having(func.count() >= brand.weekly_cap)
    return Member.id.in_(busy)


def contacts(
    *, at: datetime, besides: int | None = None, member_ids: Collection[int] | None = None
) -> CompoundSelect[int]:
    """One row of `member_id` for each marketing message of the week before `at`, sent or about to be."""
    sent = select(Recipient.member_id).where(Recipient.state == "sent", Recipient.sent_at > at - WEEK)
    promised = (
        select(Recipient.member_id)
        .join(Campaign, Campaign.id == Recipient.campaign_id)
        .where(Recipient.state == "ready", Campaign.kind == "campaign", Campaign.state.in_(UNDER_WAY))
    )
    if besides is not None:
        promised = promised.where(Recipient.campaign_id != besides)
    waiting = select(OutgoingMessage.member_id).where(
        OutgoingMessage.kind == "marketing", OutgoingMessage.state.in_(("queued", "claimed"))
    )
    parts: list[Select[int]] = [sent, promised, waiting]
    if member_ids is not None:
        parts = [part.where(part.selected_columns.member_id.in_(member_ids)) for part in parts]
    return union_all(*parts)
