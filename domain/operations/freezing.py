"""Freezing a campaign's audience: from approved to sending, in pieces that may be cut off and taken up anywhere.

In one transaction everyone addressed becomes a recipient, in one statement: with segments, the hold-out
drawn, the reason they are kept back or the number of their chunk, a run of up to 500 by member id. The
template is written for good, and the campaign handed to the sender. Of a personal campaign each chunk
waits until its people's values are written; the sender begins with the first while we write the rest.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, insert, literal, or_, select, text, update
from sqlalchemy.orm import Session

from domain.operations import addressing, personalising
from models.arithmetic import as_json
from models.campaign import Campaign, CampaignChunk, Recipient

CHUNK = {"multicast": 500, "push": 100}
PERSONALISED_AT_A_TIME = 10  # chunks
CANNOT = "cannot_be_frozen"  # a campaign's paused_reason: a try ended with an error
MANY = 10_000  # rows of which the database had better know the spread before they are read
COLUMNS = [
    "campaign_id", "member_id", "occasion", "chunk_no", "arm", "state", "reason", "segments", "merge", "due_at",
]  # fmt: skip


def due(session: Session, *, now: datetime) -> Sequence[int]:
    """Campaigns to work on now: approved with their time come, or with something still to be written."""
    unfinished = exists().where(CampaignChunk.campaign_id == Campaign.id, *_waiting())
    sending = Campaign.state.in_(("sending", "paused")) & (Campaign.how == "push") & unfinished
    waiting = select(Campaign).where(or_(Campaign.state.in_(("approved", "freezing")), sending))
    return [
        campaign.id
        for campaign in session.scalars(waiting.order_by(Campaign.id))
        if campaign.state != "approved" or addressing.starts_at(session, campaign, now=now) <= now
    ]


def step(session: Session, campaign_id: int, *, now: datetime) -> bool:
    """The next piece of one campaign, for one transaction; False when there was nothing for us to do now."""
    campaign = session.get_one(Campaign, campaign_id, populate_existing=True)
    if campaign.state in ("approved", "freezing"):
        # Locked, so that two workers take turns; but whoever only refers to it need not wait.
        locked = select(Campaign).where(Campaign.id == campaign_id).with_for_update(skip_locked=True, key_share=True)
        if session.scalar(locked.execution_options(populate_existing=True)) is None:
            return False
    if campaign.state == "approved":
        if addressing.starts_at(session, campaign, now=now) > now:
            return False
        _begin(session, campaign, now=now)
    if campaign.state not in ("freezing", "sending", "paused"):
        return False
    is_new = campaign.state == "freezing"
    if is_new:
        _make_chunks(session, campaign)
    went_on = campaign.how == "push" and _personalise_some(session, campaign, now=now)
    if is_new:
        _hand_over(session, campaign, now=now)
    if campaign.paused_reason == CANNOT:
        campaign.paused_reason = None
    session.flush()
    return is_new or went_on


def note_failure(session: Session, campaign_id: int) -> None:
    """Lets the campaign's page say that a try to go on with it has failed; the next good one takes it back."""
    silent = update(Campaign).where(Campaign.id == campaign_id, Campaign.paused_reason.is_(None))
    session.execute(silent.values(paused_reason=CANNOT).execution_options(synchronize_session=False))


def _begin(session: Session, campaign: Campaign, *, now: datetime) -> None:
    if campaign.how == "multicast":
        campaign.template = personalising.shared_template(session, campaign, now=now)
    else:
        campaign.template = personalising.raw_template(session, campaign)
    session.flush()
    frozen = session.execute(insert(Recipient).from_select(COLUMNS, _people(session, campaign, now=now)))
    if frozen.rowcount >= MANY and session.get_bind().dialect.name == "postgresql":  # type: ignore[attr-defined]  # an INSERT's result has it
        session.execute(text("ANALYZE recipient"))
    campaign.state, campaign.state_at, campaign.frozen_at = "freezing", now, now


def _people(session: Session, campaign: Campaign, *, now: datetime) -> Select[*tuple[Any, ...]]:
    """The audience of addressing.audience, as recipient rows."""
    found = addressing.audience(session, campaign, now=now)
    found = found.add_columns(addressing.segments_json(session, campaign, now=now).label("segments"))
    # Materialised: who is held out and who is refused is worked out once for each person.
    people = found.cte("people").prefix_with("MATERIALIZED")
    outcome = people.c.outcome
    held, gets = outcome == "held_out", outcome.is_(None)
    return select(
        literal(campaign.id),
        people.c.id,
        literal(""),
        case((gets, _chunk_numbers(campaign, people.c.id, gets))),
        case((held, "held_out"), else_="sent"),
        case((gets, "ready"), (held, "held_out"), else_="withheld"),
        case((~held, outcome)),
        people.c.segments,
        as_json(literal("{}")),
        literal(now, Recipient.due_at.type),
    )


def _chunk_numbers(campaign: Campaign, member_id: ColumnElement[int], gets: ColumnElement[bool]) -> ColumnElement[int]:
    before = func.count().filter(gets).over(order_by=member_id, rows=(None, 0))
    return (before - 1) // CHUNK[campaign.how] + 1


def _make_chunks(session: Session, campaign: Campaign) -> None:
    """One row for each number that has none yet."""
    person = Recipient.member_id
    made = select(CampaignChunk.no).where(CampaignChunk.campaign_id == campaign.id)
    state = "ready" if campaign.how == "multicast" else "waiting"
    chunks = (
        select(
            literal(campaign.id), Recipient.chunk_no, literal(state), func.count(), func.min(person), func.max(person),
            literal(0), literal(0),
        )
        .where(Recipient.campaign_id == campaign.id, Recipient.state == "ready", Recipient.chunk_no.is_not(None))
        .where(Recipient.chunk_no.not_in(made))
        .group_by(Recipient.chunk_no)
    )  # fmt: skip
    columns = ["campaign_id", "no", "state", "size", "first_member_id", "last_member_id", "fence", "attempts"]
    session.execute(insert(CampaignChunk).from_select(columns, chunks))


def _waiting() -> tuple[ColumnElement[bool], ...]:
    return CampaignChunk.settled_at.is_(None), CampaignChunk.state == "waiting"


def _personalise_some(session: Session, campaign: Campaign, *, now: datetime) -> bool:
    """The next chunks' values, and the word that they are there, together."""
    mine = select(CampaignChunk).where(CampaignChunk.campaign_id == campaign.id, *_waiting())
    turn = mine.order_by(CampaignChunk.no).limit(PERSONALISED_AT_A_TIME).with_for_update(skip_locked=True)
    chunks = session.scalars(turn).all()
    if not chunks:
        return False
    people = select(Recipient.id, Recipient.member_id).where(
        Recipient.campaign_id == campaign.id,
        Recipient.member_id.between(
            min(chunk.first_member_id or 0 for chunk in chunks), max(chunk.last_member_id or 0 for chunk in chunks)
        ),
        Recipient.chunk_no.in_([chunk.no for chunk in chunks]),
        Recipient.state == "ready",
    )
    personalising.write(session, campaign, dict(session.execute(people).all()), now=now)
    for chunk in chunks:
        chunk.state = "ready"
    session.flush()
    return True


def _hand_over(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """To the sender; or done at once when everyone was kept back."""
    anybody = session.scalar(select(CampaignChunk.no).where(CampaignChunk.campaign_id == campaign.id).limit(1))
    campaign.state, campaign.state_at = "sending", now
    if anybody is None:
        campaign.state, campaign.finished_at = "sent", now
