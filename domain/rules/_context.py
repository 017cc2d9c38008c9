"""What a rule is judged against: the moment, the calendar, the currency; and the names its sentence uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import Calendar, calendar_of
from domain.money import decimals_of
from domain.wording import money_words, pick
from models.benefit import Coupon
from models.campaign import Campaign
from models.mission import Mission
from models.programme import EntrySource, Form, Tag, Tier, the_brand
from models.store import Store


@dataclass(frozen=True)
class RuleContext:
    """The moment and the business a rule is judged in.

    `only` narrows every look to these member ids: the same rule for one person costs one person's rows.
    """

    now: datetime
    calendar: Calendar
    currency: str = "TWD"
    only: tuple[int, ...] | None = None
    rfm_by: str = "fixed"  # which of the two RFM scores the brand goes by

    @property
    def today(self) -> date:
        return self.calendar.day_of(self.now)

    def first_day(self, days: int) -> date:
        """The first of the last `days` local days, today being the last."""
        return self.today - timedelta(days=days - 1)

    def for_only(self, member_ids: tuple[int, ...]) -> "RuleContext":
        return replace(self, only=member_ids)


def context_of(session: Session, now: datetime) -> RuleContext:
    """The brand's own context at `now`."""
    brand = the_brand(session)
    return RuleContext(now=now, calendar=calendar_of(session), currency=brand.currency, rfm_by=brand.rfm_by)


@dataclass(frozen=True)
class Names:
    """What keys are called in one language, so that a sentence says "Gold" and not `gold`."""

    texts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    currency: str = "TWD"

    def of(self, kind: str, key: str) -> str:
        return self.texts.get((kind, key), key)

    def choices(self, kind: str) -> list[tuple[str, str]]:
        """Every key of this kind with its name, in the order people expect."""
        return [(key, name) for (of, key), name in self.texts.items() if of == kind]

    def money(self, language: str, amount: int) -> str:
        """Whole currency units, as thresholds are written."""
        return money_words(language, amount * 10 ** decimals_of(self.currency), self.currency)


def names_of(session: Session, language: str) -> Names:
    """The names of everything rules speak of."""
    texts: dict[tuple[str, str], str] = {}
    for kind, table, order, archived in _NAMED:
        query = select(table).order_by(order)
        for row in session.scalars(query if archived is None else query.where(archived.is_(None))):
            texts[kind, row.ref if kind == "campaign" else row.key] = _name(row, language)
    return Names(texts, the_brand(session).currency)


def _name(row: Any, language: str) -> str:
    called = row.title if isinstance(row, Coupon | Form) else row.name
    words = pick(called, language) if isinstance(called, dict) else str(called)
    return words or str(getattr(row, "key", ""))


_NAMED: tuple[tuple[str, Any, Any, Any], ...] = (
    ("tag", Tag, Tag.key, Tag.archived_at),
    ("tier", Tier, Tier.rank, Tier.archived_at),
    ("store", Store, Store.id, None),
    ("coupon", Coupon, Coupon.key, Coupon.archived_at),
    ("campaign", Campaign, Campaign.id.desc(), None),
    ("form", Form, Form.key, None),
    ("mission", Mission, Mission.key, Mission.archived_at),
    ("entry_source", EntrySource, EntrySource.key, None),
)
