"""Entering an automation: who crossed its trigger and is new to it, one row per person and cause.

A rule that becomes true begins an episode, which lasts until the rule stops holding (`Enrolment.over_at`).
An episode that lets nobody in is written down too, as `outside`, so that it is not taken for new later:
it was so before, it was learned from history, or it came too soon after the last time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from domain import rules, triggers
from domain.calendar import NEWS, Calendar, calendar_of, parse_clock
from domain.operations.holding_out import is_held_out
from domain.operations.recording import record_many
from domain.operations.speaking import out_of_quiet_hours
from models.automation import Automation, Enrolment
from models.member import Member
from models.programme import Brand, the_brand
from models.session import insert_for

BATCH = 1_000  # rows an INSERT
OUTSIDE = "outside"


def enter(session: Session, automation: Automation, *, now: datetime) -> int:
    """Enters everyone who crossed the trigger since the last good run; returns how many were new."""
    close_episodes(session, automation, now=now)
    found = triggers.entries(session, automation.trigger, _window(session, automation, now))
    if on_a_rule(automation):
        learned = _lately_learned(session, now=now) if found else set()
        found = _keep_outside(session, automation, found, learned, reason="history", now=now)
        lately = _lately_in(session, automation, now=now) if found else set()
        found = _keep_outside(session, automation, found, lately, reason="too_soon", now=now)
    elif found and automation.reentry_days is not None:
        lately = _lately_in(session, automation, now=now)
        found = [entry for entry in found if entry.member_id not in lately]
    automation.last_good_run = now
    return _insert(session, automation, found, now=now)


def mark_present(session: Session, automation: Automation, *, now: datetime) -> None:
    """Whoever the rule holds for at this moment was so before, and does not enter until it becomes true anew."""
    if on_a_rule(automation):
        close_episodes(session, automation, now=now)
        present = triggers.entries(session, automation.trigger, _window(session, automation, now))
        _write_outside(session, automation, present, reason="was_so_before", now=now)


def welcome_present(session: Session, automation: Automation, *, now: datetime) -> None:
    """Whoever was kept outside, or waited when it was switched off, may enter next, if the rule still holds."""
    outside = or_(Enrolment.state == OUTSIDE, Enrolment.reason == "switched_off")
    _close(session, Enrolment.automation_id == automation.id, Enrolment.over_at.is_(None), outside, now=now)


def close_episodes(session: Session, automation: Automation, *, now: datetime) -> None:
    """Ends the episodes of everyone the rule has stopped holding for."""
    if on_a_rule(automation):
        holds = rules.compile_rule(automation.trigger["rule"], rules.context_of(session, now))
        still = select(Member.id).where(holds)
        mine = (Enrolment.automation_id == automation.id, Enrolment.over_at.is_(None))
        _close(session, *mine, Enrolment.member_id.not_in(still), now=now)


def on_a_rule(automation: Automation) -> bool:
    return automation.trigger.get("on") == "rule_holds"


def _close(session: Session, *which: Any, now: datetime) -> None:
    session.flush()
    session.execute(
        update(Enrolment).where(*which).values(over_at=now), execution_options={"synchronize_session": False}
    )
    for row in session.identity_map.values():
        if isinstance(row, Enrolment):
            session.expire(row, ["over_at"])


def _window(session: Session, automation: Automation, now: datetime) -> triggers.Window:
    """Since it was switched on, or since the last good run with room for what was learned late."""
    assert automation.enabled_at is not None
    begun = max(automation.enabled_at, automation.watches_from or automation.enabled_at)
    since = max(begun, (automation.last_good_run or begun) - NEWS)
    return triggers.Window(since=since, now=now, calendar=calendar_of(session), automation_id=automation.id)


def _lately_learned(session: Session, *, now: datetime) -> set[int]:
    """People of whom the past was learned just now: what follows from it tonight is no news either."""
    return set(session.scalars(select(Member.id).where(Member.history_at > now - NEWS)))


def _lately_in(session: Session, automation: Automation, *, now: datetime) -> set[int]:
    """Who was in it less than `reentry_days` ago; a rule without them admits each person once."""
    before = select(Enrolment.member_id).where(
        Enrolment.automation_id == automation.id, Enrolment.state != OUTSIDE,
        or_(Enrolment.reason.is_(None), Enrolment.reason != "switched_off"),
    )  # fmt: skip
    if automation.reentry_days is not None:
        before = before.where(Enrolment.entered_at > now - timedelta(days=automation.reentry_days))
    return set(session.scalars(before))


def _keep_outside(
    session: Session,
    automation: Automation,
    found: list[triggers.Entry],
    whom: set[int],
    *,
    reason: str,
    now: datetime,
) -> list[triggers.Entry]:
    """Writes down whom of the found is not let in; returns the others."""
    _write_outside(session, automation, [each for each in found if each.member_id in whom], reason=reason, now=now)
    return [each for each in found if each.member_id not in whom]


def _write_outside(
    session: Session, automation: Automation, found: Sequence[triggers.Entry], *, reason: str, now: datetime
) -> None:
    for at in range(0, len(found), BATCH):
        values = [
            {
                "automation_id": automation.id, "member_id": entry.member_id, "cause": f"outside:{now.isoformat()}",
                "entered_at": now, "due_at": now, "state": OUTSIDE, "reason": reason, "arm": "sent",
                "evidence": {**entry.evidence, "version": automation.version},
            }
            for entry in found[at : at + BATCH]
        ]  # fmt: skip
        session.execute(insert_for(session)(Enrolment).values(values).on_conflict_do_nothing())


def _insert(session: Session, automation: Automation, found: Sequence[triggers.Entry], *, now: datetime) -> int:
    """One row per person and cause; who is there already stays as they are. New ones are recorded as enrolled."""
    brand, calendar = the_brand(session), calendar_of(session)
    entered = 0
    for at in range(0, len(found), BATCH):
        values = [_values(automation, entry, brand, calendar, now=now) for entry in found[at : at + BATCH]]
        statement = insert_for(session)(Enrolment).values(values).on_conflict_do_nothing()
        new = session.execute(statement.returning(Enrolment.member_id, Enrolment.cause)).all()
        entered += len(new)
        _record_enrolled(session, automation, [(row.member_id, row.cause) for row in new], now=now)
    return entered


def _values(
    automation: Automation, entry: triggers.Entry, brand: Brand, calendar: Calendar, *, now: datetime
) -> dict[str, Any]:
    held = automation.kind == "marketing" and is_held_out(
        entry.member_id, programme=automation.key, salt=brand.salt, percent=automation.holdout_percent
    )
    due = _due(automation.wait, entry.at, calendar)
    if automation.kind == "service":
        due = out_of_quiet_hours(brand, calendar, due, kind="service", now=now)
    return {
        "automation_id": automation.id, "member_id": entry.member_id, "cause": entry.cause, "entered_at": now,
        "due_at": due, "state": "waiting", "arm": "held_out" if held else "sent",
        "evidence": {**entry.evidence, "version": automation.version},
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
