"""The dry run: who gets a campaign, who does not and why, what it costs. The real decision, without its effects."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import distinct, func, or_, select
from sqlalchemy.orm import Session

from domain.messages._parts import Json
from domain.money import decimals_of
from domain.operations import addressing, capping, personalising
from models.campaign import Campaign
from models.channel import the_channel
from models.programme import the_brand

SAMPLES = 5
PAGE = 50
# In the order they are looked at: the first that holds is the one that is said.
REASONS = ("held_out", "erased", "no_line_id", "blocked", "opted_out", "care_open", "cap")


@dataclass(frozen=True)
class Sample:
    """One person's message, as they would get it."""

    member_id: int
    messages: list[Json]


@dataclass(frozen=True)
class OtherSend:
    """Another campaign of the same days."""

    ref: str
    name: str
    state: str
    at: datetime


@dataclass(frozen=True)
class DryRun:
    """What would happen if the campaign started at `starts_at`."""

    audience: int
    gets: int
    reasons: dict[str, int]
    starts_at: datetime
    is_delayed: bool
    messages: int
    cost: int  # minor units
    allowance_left: int | None  # None: LINE has not been asked, or there is no limit
    already_this_week: int
    others: list[OtherSend] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    @property
    def is_over_allowance(self) -> bool:
        return self.allowance_left is not None and self.messages > self.allowance_left


def dry_run(session: Session, campaign: Campaign, *, now: datetime) -> DryRun:
    """Changes nothing. The same decision as freezing takes (addressing.audience)."""
    outcomes = _outcomes(session, campaign, now)
    gets = outcomes.pop(None, 0)
    left = _allowance_left(session)
    start = addressing.starts_at(session, campaign, now=now)
    return DryRun(
        audience=gets + sum(outcomes.values()),
        gets=gets,
        reasons={reason: outcomes[reason] for reason in REASONS if reason in outcomes},
        starts_at=start,
        is_delayed=start > max(campaign.scheduled_at or now, now),
        messages=gets,
        cost=cost_of(session, gets, left),
        allowance_left=left,
        already_this_week=_already(session, campaign, start, now),
        others=_others(session, campaign, start),
        samples=_samples(session, campaign, people(session, campaign, None, now=now, limit=SAMPLES)),
    )


def people(
    session: Session, campaign: Campaign, outcome: str | None, *, now: datetime, after: int = 0, limit: int = PAGE
) -> Sequence[int]:
    """The next people with this outcome (None: who get it), by member id."""
    found = addressing.audience(session, campaign, now=now).subquery()
    mine = select(found.c.id).where(found.c.id > after, found.c.outcome.is_not_distinct_from(outcome))
    return session.scalars(mine.order_by(found.c.id).limit(limit)).all()


def _outcomes(session: Session, campaign: Campaign, now: datetime) -> dict[str | None, int]:
    found = addressing.audience(session, campaign, now=now).subquery()
    counted = select(found.c.outcome, func.count()).group_by(found.c.outcome)
    return dict(session.execute(counted).all())


def _samples(session: Session, campaign: Campaign, member_ids: Sequence[int]) -> list[Sample]:
    previews = personalising.preview(session, campaign, member_ids)
    return [Sample(member_id, previews[member_id]) for member_id in member_ids]


def _allowance_left(session: Session) -> int | None:
    channel = the_channel(session)
    return None if channel.quota_limit is None else max(0, channel.quota_limit - (channel.quota_used or 0))


def cost_of(session: Session, messages: int, left: int | None) -> int:
    """What goes past the plan's allowance, at the price of the brand."""
    brand = the_brand(session)
    over = max(0, messages - left) if left is not None else 0
    price = Decimal(str(brand.message_price)).scaleb(decimals_of(brand.currency))
    return int((over * price).quantize(Decimal(1), ROUND_HALF_UP))


def _already(session: Session, campaign: Campaign, start: datetime, now: datetime) -> int:
    """How many of the audience have had, or are promised, something else within the week."""
    those = capping.contacts(at=start, besides=campaign.id).subquery()
    ours = addressing.audience(session, campaign, now=now).subquery()
    count = select(func.count(distinct(those.c.member_id))).where(those.c.member_id.in_(select(ours.c.id)))
    return session.scalar(count) or 0


def _others(session: Session, campaign: Campaign, start: datetime) -> list[OtherSend]:
    when = func.coalesce(Campaign.frozen_at, Campaign.scheduled_at, Campaign.state_at)
    near = (
        select(Campaign, when.label("at"))
        .where(Campaign.kind == "campaign", Campaign.id != campaign.id)
        .where(or_(Campaign.state.in_(("approved", "sent")), Campaign.state.in_(capping.UNDER_WAY)))
        .where(when > start - capping.WEEK, when < start + capping.WEEK)
        .order_by(when)
    )
    return [OtherSend(row.Campaign.ref, row.Campaign.name, row.Campaign.state, row.at) for row in session.execute(near)]
