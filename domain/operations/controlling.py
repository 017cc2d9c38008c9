"""Moving a campaign along: approve, take back, pause, resume, stop. Its states are data (models/campaign.py)."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid
from domain.operations.drafting import named, problems
from domain.operations.dry_running import dry_run
from domain.wording import mark
from models.campaign import Campaign, CampaignChunk
from models.programme import the_brand

# States in which it may be said until when it goes on by itself.
WITH_A_WINDOW = ("approved", "freezing", "sending", "paused")


def approve(
    session: Session,
    *,
    ref: str,
    edit_version: int,
    staff_id: int | None = None,
    accept_over_allowance: bool = False,
    goes_on_until: datetime | None = None,
    now: datetime,
) -> Campaign:
    """Lets the campaign go, now or at its time. Only exactly what was read can be approved.

    When the month's messages run out it waits for a person, or until `goes_on_until` for new ones.
    """
    campaign = named(session, ref, lock=True)
    if campaign.edit_version != edit_version:
        raise Conflict(
            mark("The campaign was not approved because it was changed in another window. Look at it again."),
            code="changed_meanwhile",
        )
    wrong = problems(campaign.content) or needs_another(session, campaign, staff_id)
    if wrong:
        raise wrong
    found = dry_run(session, campaign, now=now)
    if not found.gets:
        raise Invalid(mark("Nobody would get this campaign. Choose a wider audience."), code="nobody")
    if found.is_over_allowance and not accept_over_allowance:
        raise Conflict(
            mark(
                "The campaign was not approved: it needs %(messages)s messages and %(left)s are left this month. "
                "Choose fewer people, or say that more may be spent."
            ),
            code="over_allowance", messages=found.messages, left=found.allowance_left,
        )  # fmt: skip
    _move(session, campaign, "approved", now=now)
    campaign.approved_by_id = staff_id
    campaign.allowance_left, campaign.goes_on_until = found.allowance_left, _later(goes_on_until, now)
    session.flush()
    return campaign


def take_back(session: Session, *, ref: str, now: datetime) -> Campaign:
    """An approved campaign that has not begun becomes a draft again."""
    campaign = _move(session, named(session, ref, lock=True), "draft", now=now)
    campaign.approved_by_id = None
    session.flush()
    return campaign


def pause(session: Session, *, ref: str, now: datetime) -> Campaign:
    """Nothing new leaves until it is resumed; what is on its way arrives."""
    return _move(session, named(session, ref, lock=True), "paused", now=now)


def resume(session: Session, *, ref: str, now: datetime) -> Campaign:
    """A person says that it goes on, whatever it waited for."""
    return _move(session, named(session, ref, lock=True), "sending", now=now)


def let_go_on(session: Session, *, ref: str, until: datetime | None, now: datetime) -> Campaign:
    """Out of messages it may go on by itself once there are some again, until then; None: it waits for a person."""
    campaign = named(session, ref, lock=True)
    if campaign.state not in WITH_A_WINDOW:
        raise _moved_on(campaign)
    campaign.goes_on_until = _later(until, now)
    session.flush()
    return campaign


def _later(until: datetime | None, now: datetime) -> datetime | None:
    if until is not None and until <= now:
        raise Invalid(
            mark("Nothing was changed because the time until which it may go on is over. Choose a later one."),
            code="over_already",
        )
    return until


def stop(session: Session, *, ref: str, reason: str, now: datetime) -> Campaign:
    """Ends a send for good. Who was not written to yet is withheld as `stopped`; nobody is dropped in silence."""
    campaign = _move(session, named(session, ref, lock=True), "stopped", now=now)
    campaign.stopped_reason, campaign.finished_at = reason.strip()[:500] or None, now
    _withhold(session, campaign)
    session.flush()
    return campaign


def cancel(session: Session, *, ref: str, now: datetime) -> Campaign:
    """Gives a campaign up before anything was sent."""
    campaign = _move(session, named(session, ref, lock=True), "cancelled", now=now)
    campaign.finished_at = now
    _withhold(session, campaign)
    session.flush()
    return campaign


def _move(session: Session, campaign: Campaign, state: str, *, now: datetime) -> Campaign:
    """One step of CAMPAIGN_MOVES. Raises Conflict for any other."""
    if not campaign.may_become(state):
        raise _moved_on(campaign)
    campaign.state, campaign.state_at, campaign.paused_reason = state, now, None
    session.flush()
    return campaign


def _moved_on(campaign: Campaign) -> Conflict:
    return Conflict(
        mark("The campaign has moved on: it is %(state)s now. Open it again to see what can be done."),
        code="moved_on", state=campaign.state,
    )  # fmt: skip


def needs_another(session: Session, campaign: Campaign, staff_id: int | None) -> Conflict | None:
    """Why this member of staff may not approve it: they began it or changed it last, and the brand asks for another."""
    wrote = staff_id is not None and staff_id in (campaign.created_by_id, campaign.edited_by_id)
    if the_brand(session).needs_second_person and wrote:
        return Conflict(
            mark("The campaign was not approved because whoever wrote it may not. Ask a colleague to look at it."),
            code="second_person",
        )
    return None


def _withhold(session: Session, campaign: Campaign) -> None:
    """Chunks that were not begun are withheld; their people follow, chunk by chunk (line/settling.py)."""
    unstarted = update(CampaignChunk).where(
        CampaignChunk.campaign_id == campaign.id, CampaignChunk.state.in_(("waiting", "ready")),
        CampaignChunk.first_attempt_at.is_(None),
    )  # fmt: skip
    stopped = unstarted.values(state="withheld", reason="stopped")
    session.execute(stopped.execution_options(synchronize_session="fetch"))
