"""Freezing a campaign's audience: from approved to sending, in pieces that may be cut off and taken up anywhere.

First, in one transaction, everyone addressed becomes a recipient in one statement, each with segments and
the reason they are kept back; the template is written for good, the hold-out drawn and the rest numbered
into chunks. Then personal campaigns get each person's values, a chunk at a time: a chunk's row says that
its values are there. Last, the campaign is handed to the sender.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, func, insert, literal, select, update
from sqlalchemy.orm import Session

from domain.operations import addressing, personalising
from domain.operations.holding_out import is_held_out
from models.campaign import Campaign, CampaignChunk, Recipient
from models.member import Member
from models.programme import the_brand
from models.session import insert_for

CHUNK = {"multicast": 500, "push": 200}
DRAWN_AT_A_TIME = 10_000


def due(session: Session, *, now: datetime) -> Sequence[int]:
    """Campaigns to work on now: being frozen, or approved with their time come and no quiet hours."""
    waiting = select(Campaign).where(Campaign.state.in_(("approved", "freezing"))).order_by(Campaign.id)
    return [
        campaign.id
        for campaign in session.scalars(waiting)
        if campaign.state == "freezing" or addressing.starts_at(session, campaign, now=now) <= now
    ]


def step(session: Session, campaign_id: int, *, now: datetime) -> bool:
    """The next piece of one campaign, for one transaction; False when nothing is left for us to do."""
    campaign = _claimed(session, campaign_id)
    if campaign is None or campaign.state not in ("approved", "freezing"):
        return False
    if campaign.state == "approved":
        if addressing.starts_at(session, campaign, now=now) > now:
            return False
        _begin(session, campaign, now=now)
    elif not _personalise_next_chunk(session, campaign, now=now):
        _hand_over(session, campaign, now=now)
        return False
    session.flush()
    return True


def _claimed(session: Session, campaign_id: int) -> Campaign | None:
    """Locked, so that two workers take turns; each piece looks first at what is done already."""
    locked = select(Campaign).where(Campaign.id == campaign_id).with_for_update(skip_locked=True)
    return session.scalar(locked.execution_options(populate_existing=True))


def _begin(session: Session, campaign: Campaign, *, now: datetime) -> None:
    if campaign.how == "multicast":
        campaign.template = personalising.shared_template(session, campaign, now=now)
    else:
        campaign.template = personalising.raw_template(session, campaign)
    people = _people(session, campaign, now=now)
    columns = ["campaign_id", "member_id", "occasion", "arm", "state", "reason", "segments", "merge", "due_at"]
    frozen = insert_for(session)(Recipient).from_select(columns, people, include_defaults=False)
    session.execute(frozen.on_conflict_do_nothing(index_elements=["campaign_id", "member_id", "occasion"]))
    _draw_hold_out(session, campaign)
    _number_chunks(session, campaign)
    if campaign.how == "multicast":
        _make_chunks(session, campaign, _sizes(campaign))
    campaign.state, campaign.state_at, campaign.frozen_at = "freezing", now, now


def _people(session: Session, campaign: Campaign, *, now: datetime) -> Select[*tuple[Any, ...]]:
    """The audience of addressing.audience, as recipient rows."""
    reason = addressing.audience(session, campaign, now=now).selected_columns["reason"]
    return addressing.audience(session, campaign, now=now).with_only_columns(
        literal(campaign.id),
        Member.id,
        literal(""),
        literal("sent"),
        case((reason.is_(None), "ready"), else_="withheld"),
        reason,
        addressing.segments_json(session, campaign, now=now),
        addressing.as_json(session, literal("{}")),
        literal(now, Recipient.due_at.type),
    )


def _draw_hold_out(session: Session, campaign: Campaign) -> None:
    """Stable by person, whatever would keep them back: so that both arms are alike."""
    salt, after = the_brand(session).salt, 0
    while rows := _next_recipients(session, campaign, after):
        held = [
            row.id
            for row in rows
            if is_held_out(row.member_id, programme=campaign.ref, salt=salt, percent=campaign.holdout_percent)
        ]
        for at in range(0, len(held), 1000):
            out = update(Recipient).where(Recipient.id.in_(held[at : at + 1000]))
            values = {"arm": "held_out", "state": "held_out", "reason": None}
            session.execute(out.values(values).execution_options(synchronize_session=False))
        after = rows[-1].id


def _next_recipients(session: Session, campaign: Campaign, after: int) -> Sequence[Any]:
    mine = select(Recipient.id, Recipient.member_id).where(Recipient.campaign_id == campaign.id, Recipient.id > after)
    return session.execute(mine.order_by(Recipient.id).limit(DRAWN_AT_A_TIME)).all()


def _ready(campaign: Campaign) -> tuple[Any, ...]:
    return Recipient.campaign_id == campaign.id, Recipient.state == "ready"


def _number_chunks(session: Session, campaign: Campaign) -> None:
    rank = func.row_number().over(order_by=Recipient.id)
    number = ((rank - 1) // CHUNK[campaign.how] + 1).label("no")
    ranked = select(Recipient.id, number).where(*_ready(campaign)).subquery()
    numbered = update(Recipient).where(Recipient.id == ranked.c.id).values(chunk_no=ranked.c.no)
    session.execute(numbered.execution_options(synchronize_session=False))


def _sizes(campaign: Campaign) -> Select[*tuple[Any, ...]]:
    """(number, size) of the chunks of those who are ready."""
    mine = select(Recipient.chunk_no.label("no"), func.count().label("size")).where(*_ready(campaign))
    return mine.where(Recipient.chunk_no.is_not(None)).group_by(Recipient.chunk_no)


def _make_chunks(session: Session, campaign: Campaign, sizes: Select[*tuple[Any, ...]]) -> None:
    rows = [
        {"campaign_id": campaign.id, "no": no, "size": size, "state": "ready", "fence": 0, "attempts": 0}
        for no, size in session.execute(sizes)
    ]
    for at in range(0, len(rows), 1000):
        session.execute(insert(CampaignChunk), rows[at : at + 1000])


def _personalise_next_chunk(session: Session, campaign: Campaign, *, now: datetime) -> bool:
    """One chunk's values and its row, together: the row says that the values are there."""
    made = select(CampaignChunk.no).where(CampaignChunk.campaign_id == campaign.id)
    next_one = _sizes(campaign).where(Recipient.chunk_no.not_in(made)).order_by(Recipient.chunk_no).limit(1)
    found = session.execute(next_one).first()
    if found is None:
        return False
    people = select(Recipient.id, Recipient.member_id).where(*_ready(campaign), Recipient.chunk_no == found.no)
    rows = session.execute(people).all()
    merges = personalising.personal_merges(session, campaign, [row.member_id for row in rows], now=now)
    session.execute(update(Recipient), [{"id": row.id, "merge": merges[row.member_id]} for row in rows])
    _make_chunks(session, campaign, next_one)
    return True


def _hand_over(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """To the sender; or done at once when everyone was kept back."""
    anybody = session.scalar(select(CampaignChunk.no).where(CampaignChunk.campaign_id == campaign.id).limit(1))
    campaign.state, campaign.state_at = "sending", now
    if anybody is None:
        campaign.state, campaign.finished_at = "sent", now
    session.flush()
