"""Automations: on and off, who enters one, when, and what is done for them (design §2, mechanism 3)."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from domain import rules
from domain.errors import Refusal
from domain.operations import acting, enrolling, saying_together
from domain.operations.acting import Saying
from models.automation import Automation, Enrolment
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.member import Member
from models.outbox import OutgoingMessage

log = logging.getLogger(__name__)


def enable(session: Session, automation: Automation, *, including_present: bool = False, now: datetime) -> None:
    """Switches it on from `now`. Whoever is in the state already enters only if the marketer says so."""
    automation.enabled_at = automation.watches_from = automation.last_good_run = now
    if automation.campaign_id is None:
        campaign = Campaign(
            ref=f"automation:{automation.key}", name=automation.key, kind="automation", state="standing",
            state_at=now, created_at=now, channel_id=the_channel(session).id,
        )  # fmt: skip
        session.add(campaign)
        session.flush()
        automation.campaign_id = campaign.id
    if including_present:
        enrolling.welcome_present(session, automation, now=now)
    else:
        enrolling.mark_present(session, automation, now=now)


def trigger_changed(session: Session, automation: Automation, *, now: datetime) -> None:
    """Another trigger counts from now, as if just switched on; whoever waits from the old one goes on."""
    if automation.enabled_at is not None:
        automation.watches_from = automation.last_good_run = now
        enrolling.mark_present(session, automation, now=now)


def disable(session: Session, automation: Automation) -> None:
    """Switches it off: nobody enters, whoever waits leaves, and what it has not yet sent is not sent."""
    automation.enabled_at = None
    session.flush()
    waiting = update(Enrolment).where(Enrolment.automation_id == automation.id, Enrolment.state == "waiting")
    session.execute(
        waiting.values(state="left", reason="switched_off"), execution_options={"synchronize_session": "fetch"}
    )
    queued = update(OutgoingMessage).where(
        OutgoingMessage.state == "queued",
        OutgoingMessage.attempts == 0,
        OutgoingMessage.once.startswith(acting.occasions_of(automation), autoescape=True),
    )
    cancelled = queued.values(state="cancelled", reason="switched_off").returning(OutgoingMessage.recipient_id)
    taken = [each for each in session.scalars(cancelled) if each is not None]
    _withhold(session, taken)


def _withhold(session: Session, recipients: Sequence[int]) -> None:
    for at in range(0, len(recipients), 1_000):
        session.execute(
            update(Recipient)
            .where(Recipient.id.in_(recipients[at : at + 1_000]))
            .values(state="withheld", reason="switched_off"),
            execution_options={"synchronize_session": "fetch"},
        )


def enrol(session: Session, automation: Automation, *, now: datetime) -> int:
    """Enters everyone who crossed the trigger since the last good run; returns how many were new."""
    return enrolling.enter(session, automation, now=now)


def act(session: Session, *, now: datetime, limit: int = 500) -> int:
    """Does what is due for up to `limit` people; returns how many were dealt with."""
    due = (
        select(Enrolment, Automation)
        .join(Automation, Automation.id == Enrolment.automation_id)
        .where(
            Enrolment.state == "waiting",
            Enrolment.due_at <= now,
            Enrolment.entered_at >= Automation.enabled_at,  # never, when it is off
        )
        .order_by(Enrolment.id)
        .limit(limit)
        .with_for_update(of=Enrolment, skip_locked=True)
    )
    rows = [(enrolment, automation) for enrolment, automation in session.execute(due)]
    members = _members(session, [enrolment.member_id for enrolment, _ in rows])
    fitting = _fitting(session, rows, now=now)
    sayings = list[Saying]()
    for enrolment, automation in rows:
        if enrolment.id in fitting:
            sayings += _carry_out(session, automation, enrolment, members[enrolment.member_id], now=now)
        else:
            enrolment.state, enrolment.reason = "left", "rule_no_longer_holds"
    _say(session, sayings, now=now)
    session.flush()
    return len(rows)


def _carry_out(
    session: Session, automation: Automation, enrolment: Enrolment, member: Member, *, now: datetime
) -> list[Saying]:
    """One person's case, all of it or nothing: what goes wrong with it is written down and stops nobody else's."""
    writes = automation.kind != "marketing" or any(action["do"] != "say" for action in automation.actions)
    try:
        with session.begin_nested() if writes else nullcontext():
            return acting.carry_out(session, automation, enrolment, member, now=now)
    except OperationalError:
        raise  # the database is in trouble, not this case: it is tried again
    except Exception as error:
        _note_failed(automation, enrolment, error)
        return []


def _say(session: Session, sayings: Sequence[Saying], *, now: datetime) -> None:
    """What all of them say, together; when that cannot be, each alone, so that one stops no other."""
    try:
        with session.begin_nested():
            saying_together.say_all(session, sayings, now=now)
        return
    except OperationalError:
        raise
    except Exception as error:
        log.error("automations could not say all at once", exc_info=_told(error))
    for saying in sayings:
        try:
            with session.begin_nested():
                saying_together.say_all(session, [saying], now=now)
        except OperationalError:
            raise
        except Exception as error:
            _note_failed(saying.case.automation, saying.case.enrolment, error)


def _note_failed(automation: Automation, enrolment: Enrolment, error: Exception) -> None:
    log.error("automation failed key=%s enrolment=%s", automation.key, enrolment.id, exc_info=_told(error))
    enrolment.state = "failed"
    enrolment.reason = error.code if isinstance(error, Refusal) else type(error).__name__[:64]


def _told(error: Exception) -> Exception | None:
    """What a database says of a broken row may quote the row: its words stay out of the log."""
    return None if isinstance(error, DBAPIError) else error


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
