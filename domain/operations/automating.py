"""Automations: who enters one, when, and what is done for them (design §2, mechanism 3)."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import rules, triggers
from domain.calendar import NEWS, Calendar, calendar_of, parse_clock
from domain.operations import acting
from domain.operations.holding_out import is_held_out
from domain.operations.recording import record_many
from models.automation import Automation, Enrolment
from models.campaign import Campaign
from models.channel import the_channel
from models.member import Member
from models.programme import Brand, the_brand
from models.session import insert_for

BATCH = 1_000  # rows an INSERT


def enable(session: Session, automation: Automation, *, including_present: bool = False, now: datetime) -> None:
    """Switches it on from `now`. Whoever is in the state already enters only if the marketer says so."""
    automation.enabled_at = automation.last_good_run = now
    if automation.campaign_id is None:
        campaign = Campaign(
            ref=f"automation:{automation.key}", name=automation.key, kind="automation", state="standing",
            state_at=now, created_at=now, channel_id=the_channel(session).id,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        automation.campaign_id = campaign.id
    if automation.trigger.get("on") == "rule_holds" and not including_present:
        present = triggers.entries(session, automation.trigger, _window(automation, calendar_of(session), now))
        _insert(session, automation, present, state="left", reason="was_so_before", now=now)


def disable(session: Session, automation: Automation) -> None:
    """Switches it off: nobody enters, and whoever waits is left alone."""
    automation.enabled_at = None


def enrol(session: Session, automation: Automation, *, now: datetime) -> int:
    """Enters everyone who crossed the trigger since the last good run; returns how many were new."""
    window = _window(automation, calendar_of(session), now)
    found = _not_too_soon(session, automation, triggers.entries(session, automation.trigger, window), now=now)
    automation.last_good_run = now
    return _insert(session, automation, found, state="waiting", now=now)


def act(session: Session, *, now: datetime, limit: int = 200) -> int:
    """Does what is due for up to `limit` people; returns how many were dealt with."""
    due = (
        select(Enrolment, Automation)
        .join(Automation, Automation.id == Enrolment.automation_id)
        .where(Enrolment.state == "waiting", Enrolment.due_at <= now, Automation.enabled_at.is_not(None))
        .order_by(Enrolment.id)
        .limit(limit)
        .with_for_update(of=Enrolment, skip_locked=True)
    )
    rows = [(enrolment, automation) for enrolment, automation in session.execute(due)]
    members = _members(session, [enrolment.member_id for enrolment, _ in rows])
    fitting = _fitting(session, rows, now=now)
    for enrolment, automation in rows:
        if enrolment.id not in fitting:
            enrolment.state, enrolment.reason = "left", "rule_no_longer_holds"
            continue
        acting.carry_out(session, automation, enrolment, members[enrolment.member_id], now=now)
    session.flush()
    return len(rows)


def _window(automation: Automation, calendar: Calendar, now: datetime) -> triggers.Window:
    """Since it was switched on, or since the last good run with room for what was learned late."""
    assert automation.enabled_at is not None
    since = max(automation.enabled_at, (automation.last_good_run or automation.enabled_at) - NEWS)
    return triggers.Window(since=since, now=now, calendar=calendar)


def _not_too_soon(
    session: Session, automation: Automation, found: list[triggers.Entry], *, now: datetime
) -> list[triggers.Entry]:
    """Drops who was in it less than `reentry_days` ago; a rule without them admits each person once."""
    once_only = automation.reentry_days is None and automation.trigger.get("on") == "rule_holds"
    if not found or (automation.reentry_days is None and not once_only):
        return found
    before = select(Enrolment.member_id).where(Enrolment.automation_id == automation.id)
    if automation.reentry_days is not None:
        before = before.where(Enrolment.entered_at > now - timedelta(days=automation.reentry_days))
    lately = set(session.scalars(before))
    return [entry for entry in found if entry.member_id not in lately]


def _insert(
    session: Session,
    automation: Automation,
    found: list[triggers.Entry],
    *,
    state: str,
    reason: str | None = None,
    now: datetime,
) -> int:
    """One row per person and cause; who is there already stays as they are. New ones are recorded as enrolled."""
    brand, calendar = the_brand(session), calendar_of(session)
    entered = 0
    for at in range(0, len(found), BATCH):
        values = [
            _values(automation, entry, brand, calendar, state=state, reason=reason, now=now)
            for entry in found[at : at + BATCH]
        ]
        statement = insert_for(session)(Enrolment).values(values).on_conflict_do_nothing()
        new = session.execute(statement.returning(Enrolment.member_id, Enrolment.cause)).all()
        entered += len(new)
        if state == "waiting":
            _record_enrolled(session, automation, [(row.member_id, row.cause) for row in new], now=now)
    return entered


def _values(
    automation: Automation,
    entry: triggers.Entry,
    brand: Brand,
    calendar: Calendar,
    *,
    state: str,
    reason: str | None,
    now: datetime,
) -> dict[str, Any]:
    held = automation.kind == "marketing" and is_held_out(
        entry.member_id, programme=automation.key, salt=brand.salt, percent=automation.holdout_percent
    )
    return {
        "automation_id": automation.id, "member_id": entry.member_id, "cause": entry.cause, "entered_at": now,
        "due_at": _due(automation.wait, entry.at, calendar), "state": state, "reason": reason,
        "arm": "held_out" if held else "sent", "evidence": {**entry.evidence, "version": automation.version},
    }  # fmt: skip


def _due(wait: dict[str, Any], at: datetime, calendar: Calendar) -> datetime:
    """The moment plus the wait; with `at`, the first such hour from then on."""
    after = at + timedelta(days=wait.get("days", 0), hours=wait.get("hours", 0))
    if "at" not in wait:
        return after
    same_day = calendar.at(calendar.day_of(after), parse_clock(wait["at"]))
    return (
        same_day
        if same_day >= after
        else calendar.at(calendar.day_of(after) + timedelta(days=1), parse_clock(wait["at"]))
    )


def _record_enrolled(session: Session, automation: Automation, new: list[tuple[int, str]], *, now: datetime) -> None:
    record_many(
        session, "enrolled", source="automation", object=f"automation:{automation.key}",
        campaign_id=automation.campaign_id,
        people=[(member_id, f"enrolled:{automation.id}:{member_id}:{cause}") for member_id, cause in new], now=now,
    )  # fmt: skip


def _members(session: Session, ids: list[int]) -> dict[int, Member]:
    return {member.id: member for member in session.scalars(select(Member).where(Member.id.in_(ids)))}


def _fitting(session: Session, rows: list[tuple[Enrolment, Automation]], *, now: datetime) -> set[int]:
    """Enrolments whose person still fits the automation's rule; one query per automation."""
    context = rules.context_of(session, now)
    fitting: set[int] = set()
    for automation in {each.id: each for _, each in rows}.values():
        mine = [enrolment for enrolment, each in rows if each.id == automation.id]
        if automation.rule is None:
            fitting |= {enrolment.id for enrolment in mine}
            continue
        people = select(Member.id).where(
            Member.id.in_([enrolment.member_id for enrolment in mine]), rules.compile_rule(automation.rule, context)
        )
        still = set(session.scalars(people))
        fitting |= {enrolment.id for enrolment in mine if enrolment.member_id in still}
    return fitting
