"""Missions as people see them: how far one member is, measured at this moment; and who stands where, over everyone."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from domain import rules
from domain.calendar import calendar_of
from domain.money import to_minor
from domain.scores._mission import Round, Window, ends, period_now
from domain.scores._mission_steps import measure_of, measured, target_of, window_of
from domain.wording import mark
from models.benefit import Coupon
from models.member import Member
from models.mission import Draw, Mission, MissionRound, Ticket
from models.programme import the_brand

REASONS = {
    "history": mark("Reached by what a file of the past told us"),
    "not_for_them": mark("The mission was not for them at that moment"),
    "capped": mark("Had as many rewards this month as the mission gives"),
    "sold_out": mark("The coupon had run out"),
    "coupon_ended": mark("The coupon had ended"),
    "draw_closed": mark("The draw had closed"),
}
STAMPS_AT_MOST = 12  # more are shown as a bar


@dataclass(frozen=True)
class Shown:
    """One mission of one member: the round they are in, and what they have got so far."""

    mission: Mission
    round: int
    progress: int
    target: int
    is_amount: bool
    until: date | None
    rewarded: int
    is_over: bool  # every round there is was reached


@dataclass(frozen=True)
class Standing:
    """How many people are how far in a mission's present period, and what became of the rounds reached."""

    taking_part: int
    reached: int
    rewarded: int
    owed: int
    steps: dict[int, int]  # how far → how many, of those under way


def shown_to(session: Session, member: Member, *, now: datetime) -> list[Shown]:
    """The missions a member sees, each measured now: the same walk that gives the rewards."""
    found = [_shown(session, each, member, now=now) for each in _for_them(session, member, now=now)]
    return sorted((each for each in found if each is not None), key=lambda each: (each.is_over, each.mission.id))


def _for_them(session: Session, member: Member, *, now: datetime) -> list[Mission]:
    live = select(Mission).where(Mission.enabled_at.is_not(None), Mission.is_shown, Mission.archived_at.is_(None))
    context = rules.context_of(session, now).for_only((member.id,))
    return [
        each for each in session.scalars(live.order_by(Mission.id))
        if not each.rule or session.scalar(
            select(Member.id).where(Member.id == member.id, rules.compile_rule(each.rule, context))
        )
    ]  # fmt: skip


def _shown(session: Session, mission: Mission, member: Member, *, now: datetime) -> Shown | None:
    calendar, window, target = calendar_of(session), window_of(mission), target_of(session, mission)
    until = ends(window, calendar=calendar, registered_at=member.registered_at, now=now)
    today = calendar.day_of(now)
    if (until is not None and until < today) or (window.from_ is not None and window.from_ > today):
        return None
    walked = measured(session, mission, [member.id]).get(member.id, [])
    period = period_now(window, walked, calendar=calendar, now=now)
    own = select(MissionRound).where(MissionRound.mission_id == mission.id, MissionRound.member_id == member.id)
    rows = session.scalars(own).all()
    done = sum(each.rewarded_at is not None or each.reason is not None for each in rows if each.period == period)
    total = sum(each.progress for each in walked if each.period == period)
    is_over = mission.rounds is not None and done >= mission.rounds
    progress = target if is_over else max(0, min(target, total - done * target))
    return Shown(
        mission=mission, round=min(done + 1, mission.rounds or done + 1), progress=progress, target=target,
        is_amount=measure_of(mission).by == "amount", until=until or _until_of(window, walked, period, calendar),
        rewarded=sum(each.rewarded_at is not None for each in rows), is_over=is_over,
    )  # fmt: skip


def _until_of(window: Window, walked: list[Round], period: str, calendar: Any) -> date | None:
    """The last day of so many days that began with the first step."""
    begun = [each.began_at for each in walked if each.period == period]
    if window.days is None or not begun or window.since == "registered":
        return None
    last: date = calendar.day_of(min(begun) + timedelta(days=window.days))
    return last


def period_of_now(session: Session, mission: Mission, *, now: datetime) -> ColumnElement[bool]:
    """The rounds of the present period; where each person has their own, all that are under way."""
    window = window_of(mission)
    if window.per is None:
        return MissionRound.mission_id == mission.id
    period = period_now(window, (), calendar=calendar_of(session), now=now)
    return (MissionRound.mission_id == mission.id) & (MissionRound.period == period)


def standing(session: Session, mission: Mission, *, now: datetime) -> Standing:
    """The counts of a mission's page; each opens into exactly these people with `people_in`."""
    here = period_of_now(session, mission, now=now)
    under_way = select(MissionRound.progress, func.count()).where(here, *UNDER_WAY).group_by(MissionRound.progress)
    steps = Counter[int]()
    target = target_of(session, mission)
    for progress, n in session.execute(under_way):
        steps[_step_of(progress, target)] += n
    people = (people_in(session, mission, each, now=now).subquery() for each in STATES)
    counts = [session.scalar(select(func.count()).select_from(each)) or 0 for each in people]
    taking_part, reached, rewarded, owed = counts
    return Standing(taking_part, reached, rewarded, owed, dict(sorted(steps.items())))


UNDER_WAY = (MissionRound.reached_at.is_(None), MissionRound.rewarded_at.is_(None), MissionRound.progress > 0)
STATES = {
    "taking_part": mark("Taking part"),
    "reached": mark("Reached it"),
    "rewarded": mark("Rewarded"),
    "owed": mark("Reached it, without a reward"),
}


def people_in(session: Session, mission: Mission, state: str, *, now: datetime) -> Select[int]:
    """The people behind a count: one of STATES, or `step-3` for those who are that far."""
    here = period_of_now(session, mission, now=now)
    if state.startswith("step-"):
        low, high = _range_of(int(state.removeprefix("step-")), target_of(session, mission))
        which: tuple[Any, ...] = (*UNDER_WAY, MissionRound.progress >= low, MissionRound.progress < high)
    else:
        reached, rewarded = MissionRound.reached_at.is_not(None), MissionRound.rewarded_at.is_not(None)
        which = {
            "taking_part": (or_(MissionRound.progress > 0, rewarded),), "reached": (or_(reached, rewarded),),
            "rewarded": (rewarded,), "owed": (reached, MissionRound.rewarded_at.is_(None)),
        }[state]  # fmt: skip
    return select(MissionRound.member_id).where(here, *which).distinct()


def _step_of(progress: int, target: int) -> int:
    """Few steps are shown one by one, many in tenths."""
    return progress if target <= STAMPS_AT_MOST else 10 * progress // target


def has_few_steps(session: Session, mission: Mission) -> bool:
    """Whether its steps are shown one by one, and not in tenths of the way."""
    return target_of(session, mission) <= STAMPS_AT_MOST


def _range_of(step: int, target: int) -> tuple[int, int]:
    if target <= STAMPS_AT_MOST:
        return step, step + 1
    return -(-step * target // 10), -(-(step + 1) * target // 10)


def reasons(session: Session, mission: Mission) -> list[tuple[str, int]]:
    """Why rounds that were reached earned nothing."""
    rows = select(MissionRound.reason, func.count()).where(MissionRound.mission_id == mission.id)
    found = rows.where(MissionRound.reason.is_not(None)).group_by(MissionRound.reason).order_by(func.count().desc())
    return [(reason or "", n) for reason, n in session.execute(found)]


def given(session: Session, mission: Mission) -> int:
    """How many rewards were given, ever."""
    rewarded = MissionRound.mission_id == mission.id, MissionRound.rewarded_at.is_not(None)
    return session.scalar(select(func.count()).where(*rewarded)) or 0


def cost_of(session: Session, mission: Mission) -> int | None:
    """What the rewards given have cost at most, in minor units: coupons at their cost or value, points at the brand's.

    None for what has no price of its own.
    """
    kind, value = next(iter(mission.reward.items()))
    brand, n = the_brand(session), given(session, mission)
    if kind == "points":
        points = value["points"] if isinstance(value, dict) else value
        return to_minor(str(n * points * brand.point_cost), brand.currency)[0]
    coupon = session.scalar(select(Coupon).where(Coupon.key == str(value))) if kind == "coupon" else None
    if coupon is None or (coupon.cost is None and coupon.kind != "amount_off"):
        return None
    return n * (coupon.cost if coupon.cost is not None else coupon.value)


def tickets_of(session: Session, member: Member) -> list[tuple[Draw, list[Ticket]]]:
    """The member's tickets, draw by draw, the newest draw first."""
    own = select(Draw, Ticket).join(Ticket, Ticket.draw_id == Draw.id).where(Ticket.member_id == member.id)
    found: dict[int, tuple[Draw, list[Ticket]]] = {}
    for draw, ticket in session.execute(own.order_by(Draw.closes_at.desc(), Ticket.id)):
        found.setdefault(draw.id, (draw, []))[1].append(ticket)
    return list(found.values())
