"""Why people are where they are: of each the event that moved them, in a few words."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import Calendar, calendar_of
from domain.events import OWN_ACTIONS
from domain.reports.timeline import tier_reason
from domain.reports.timeline_words import TIER_WORDS
from domain.reports.told._shape import Teller
from domain.wording import date_words, pick
from models.event import Event
from models.programme import Tier, TierLine
from models.purchase import Purchase


def last_signs(session: Session, ids: Sequence[int], *, until: datetime, say: Teller) -> dict[int, str]:
    """The last purchase and the last own action of each before `until`; silence is said to be silence."""
    calendar = calendar_of(session)
    bought = _last(session, ids, calendar, until)
    acted_query = (
        select(Event.member_id, func.max(Event.occurred_at, type_=Event.occurred_at.type))
        .where(Event.member_id.in_(ids), Event.kind.in_(OWN_ACTIONS), Event.occurred_at < until)
        .group_by(Event.member_id)
    )
    acted = {row[0]: calendar.day_of(row[1]) for row in session.execute(acted_query) if row[0] is not None}
    today = calendar.day_of(until)
    return {each: _words(bought.get(each), acted.get(each), today, say) for each in ids}


def _last(session: Session, ids: Sequence[int], calendar: Calendar, until: datetime) -> dict[int, tuple[date, int]]:
    """The last purchase day of each, with its amount."""
    days = (
        select(Purchase.member_id, Purchase.day, func.sum(Purchase.net_amount))
        .where(Purchase.member_id.in_(ids), Purchase.net_amount > 0, Purchase.paid_at < until)
        .group_by(Purchase.member_id, Purchase.day)
        .order_by(Purchase.day)
    )
    return {row[0]: (row[1], int(row[2])) for row in session.execute(days) if row[0] is not None}


def _words(bought: tuple[date, int] | None, acted: date | None, today: date, say: Teller) -> str:
    parts = []
    if bought:
        day = date_words(say.language, bought[0], today)
        parts.append(say("last bought on %(day)s for %(amount)s", day=day, amount=say.money(bought[1])))
    else:
        parts.append(say("never bought"))
    if acted and (not bought or acted > bought[0]):
        parts.append(say("last action on %(day)s", day=date_words(say.language, acted, today)))
    latest = max([day for day in (bought[0] if bought else None, acted) if day], default=None)
    if latest and (today - latest).days > 30:
        parts.append(say("silent for %(n)s days", n=(today - latest).days))
    return " · ".join(parts)


def tier_moves(
    session: Session, ids: Sequence[int], *, since: datetime, until: datetime, say: Teller
) -> dict[int, str]:
    """The last line of the tier ledger of each between two moments, with why it moved."""
    query = (
        select(TierLine, Tier)
        .join(Tier, Tier.id == TierLine.tier_id)
        .where(TierLine.member_id.in_(ids), TierLine.at >= since, TierLine.at < until)
        .order_by(TierLine.at, TierLine.id)
    )
    calendar, found = calendar_of(session), {}
    for line, tier in session.execute(query):
        moved = say(TIER_WORDS.get(line.reason, "Tier: %(tier)s"), tier=pick(tier.name, say.language))
        day = date_words(say.language, calendar.day_of(line.at), calendar.day_of(until))
        found[line.member_id] = " · ".join(filter(None, (day, moved, tier_reason(line, say.language, say.currency))))
    return found
