"""Someone wants to be forgotten: the person goes, the facts stay as a nameless line (design §8).

What names them is deleted or emptied: identities, friendship, answers, words, finished messages, merge
values, and what LINE told us. Their seats are freed. Coming back later, they are someone new.
"""

from datetime import datetime

from sqlalchemy import LargeBinary, String, case, cast, delete, func, literal, null, or_, select, update
from sqlalchemy.orm import Session

from domain.operations import booking, joining, resolving, uploading, waiting
from models.campaign import Campaign, CampaignChunk, Recipient
from models.card import new_card_number
from models.event import Event
from models.inbox import InboundBody, WebhookEvent
from models.member import Friend, Identity, Member
from models.merge import Merge, MergeProposal
from models.outbox import OutgoingMessage
from models.programme import FormAnswer
from models.purchase import Purchase
from models.staff import OneTimeCode, StaffNote
from models.store import Booking, WaitlistEntry

NOBODY = "erased"
OVER = ("sent", "failed", "unsure")  # chunks nobody tries again
PERSONAL = ("name", "phone", "email", "birth_date", "birth_month", "birth_day", "gender", "language", "entry_source")
# Kinds whose data holds a person's own words or choices, beyond the fact itself.
WORDY = ("texted", "noted", "answered", "postback", "clicked", "followed")


def erase(session: Session, member: Member, *, by: str, now: datetime) -> None:
    """Forgets this person, with every record joined into theirs; safe to repeat. `by`: member or staff."""
    if member.erased_at is not None:
        return
    records = sorted(resolving.below(session, member.id))
    for record_id in records:  # a seat taken twice stayed with its record
        _give_up_seats(session, session.get_one(Member, record_id), now=now)
    joining.decide(session, member, agrees=False, wording=f"erased by {by}", source=by, now=now)
    for record_id in records:
        _forget_record(session, session.get_one(Member, record_id), now=now)
    _forget_joining(session, records)
    uploading.forget_refused(session)


def _forget_record(session: Session, member: Member, *, now: datetime) -> None:
    user_ids = list(session.scalars(select(Friend.user_id).where(Friend.member_id == member.id)))
    _forget_messages(session, member)
    _forget_sends(session, member, user_ids)
    _forget_inbox(session, user_ids)
    _forget_words(session, member)
    session.execute(delete(Identity).where(Identity.member_id == member.id))
    session.execute(delete(Friend).where(Friend.member_id == member.id))
    session.expire(member, ["friend"])
    for name in PERSONAL:
        setattr(member, name, None)
    member.custom, member.erased_at, member.card_number = {}, now, new_card_number()
    session.flush()


def finish(session: Session) -> int:
    """Takes the words of what was being sent while its person was forgotten; for the night. Returns how many."""
    erased = select(Member.id).where(Member.erased_at.is_not(None))
    leftover = (OutgoingMessage.member_id.in_(erased), OutgoingMessage.to != NOBODY, OutgoingMessage.state != "claimed")
    emptied = update(OutgoingMessage).where(*leftover).values(messages=[], to=NOBODY, reply_token=None)
    done = session.execute(emptied.returning(OutgoingMessage.id), execution_options={"synchronize_session": False})
    return len(done.all()) + _finish_chunks(session)


def _finish_chunks(session: Session) -> int:
    """Chunks that were still to be repeated when somebody in them was forgotten: ids that are nobody's go."""
    chunks = (
        select(CampaignChunk)
        .join(Campaign, Campaign.id == CampaignChunk.campaign_id)
        .join(
            Recipient,
            (Recipient.campaign_id == CampaignChunk.campaign_id) & (Recipient.chunk_no == CampaignChunk.no),
        )
        .join(Member, Member.id == Recipient.member_id)
        .where(
            CampaignChunk.state.in_(OVER), or_(Campaign.finished_at.is_(None), Campaign.finished_at > Member.erased_at)
        )
    )
    done = 0
    for chunk in session.scalars(chunks).unique().all():
        listed = [each for each in chunk.recipients or [] if each != NOBODY]
        known = set(session.scalars(select(Friend.user_id).where(Friend.user_id.in_(listed))))
        if known != set(listed):
            chunk.recipients = [each if each in known else NOBODY for each in chunk.recipients or []]
            done += 1
    session.flush()
    return done


def _give_up_seats(session: Session, member: Member, *, now: datetime) -> None:
    coming = select(Booking).where(
        Booking.member_id == member.id, Booking.state == "confirmed", Booking.starts_at > now
    )
    for each in session.scalars(coming).all():
        booking.cancel(session, each, by="staff", now=now)
    waits = select(WaitlistEntry.id).where(
        WaitlistEntry.member_id == member.id, WaitlistEntry.state.in_(("waiting", "offered"))
    )
    for entry_id in session.scalars(waits).all():
        waiting.leave(session, member, entry_id=entry_id, now=now)


def _forget_messages(session: Session, member: Member) -> None:
    """What waits is not said; what was said loses its words. One being sent just now keeps its body (I4)."""
    theirs = OutgoingMessage.member_id == member.id
    waiting_ones = (theirs, OutgoingMessage.state == "queued")
    # What was tried and not understood may have arrived.
    for tried, state, fate in ((False, "cancelled", "withheld"), (True, "unsure", "unsure")):
        which = (*waiting_ones, OutgoingMessage.first_attempt_at.is_not(None) == tried)
        sends = select(OutgoingMessage.recipient_id).where(*which, OutgoingMessage.recipient_id.is_not(None))
        counted = update(Recipient).where(Recipient.id.in_(sends), Recipient.state == "ready")
        session.execute(counted.values(state=fate, reason=NOBODY))
        session.execute(update(OutgoingMessage).where(*which).values(state=state, reason=NOBODY))
    finished = OutgoingMessage.state != "claimed"
    session.execute(update(OutgoingMessage).where(theirs, finished).values(messages=[], to=NOBODY, reply_token=None))


def _forget_sends(session: Session, member: Member, user_ids: list[str]) -> None:
    # Campaign by campaign: that is how the rows of one person are found.
    theirs = Recipient.campaign_id.in_(select(Campaign.id)) & (Recipient.member_id == member.id)
    session.execute(update(Recipient).where(theirs).values(merge={}))
    chunks = (
        select(CampaignChunk)
        .join(
            Recipient,
            (Recipient.campaign_id == CampaignChunk.campaign_id) & (Recipient.chunk_no == CampaignChunk.no),
        )
        # A chunk that may be tried again must repeat the same body (I4).
        .where(theirs, CampaignChunk.state.in_(OVER))
    )
    for chunk in session.scalars(chunks).all():
        chunk.recipients = [NOBODY if each in user_ids else each for each in chunk.recipients or []]


def _forget_inbox(session: Session, user_ids: list[str]) -> None:
    """Bodies that were read and name them; parked events keep that they came, not what they said."""
    for user_id in user_ids:
        if session.get_bind().dialect.name == "postgresql":
            names_them = func.position(cast(literal(user_id.encode()), LargeBinary).op("IN")(InboundBody.body)) > 0
        else:
            names_them = func.instr(InboundBody.body, literal(user_id.encode())) > 0
        bodies = select(InboundBody.id).where(InboundBody.state.in_(("done", "parked")), names_them)
        ids = list(session.scalars(bodies))
        session.execute(update(WebhookEvent).where(WebhookEvent.body_id.in_(ids)).values(body_id=None))
        session.execute(delete(InboundBody).where(InboundBody.id.in_(ids)))
        told = WebhookEvent.payload.is_not(None) & cast(WebhookEvent.payload, String).contains(user_id)
        forgotten = update(WebhookEvent).where(told).values(payload=null())
        session.execute(
            forgotten.values(state=case((WebhookEvent.state == "retry", "ignored"), else_=WebhookEvent.state)),
            execution_options={"synchronize_session": False},
        )


def _forget_joining(session: Session, records: list[int]) -> None:
    """What merges remember of them, and what suggested one."""
    joined = update(Merge).where(or_(Merge.kept_id.in_(records), Merge.gone_id.in_(records)))
    session.execute(joined.values(before={}, evidence={}), execution_options={"synchronize_session": "fetch"})
    asked = or_(MergeProposal.low_id.in_(records), MergeProposal.high_id.in_(records))
    session.execute(delete(MergeProposal).where(asked))


def _forget_words(session: Session, member: Member) -> None:
    wordy = (Event.member_id == member.id, Event.kind.in_(WORDY))
    session.execute(update(Event).where(*wordy).values(data={}))
    in_browsers = (Event.member_id == member.id, Event.actor_ref.is_not(None))
    session.execute(update(Event).where(*in_browsers).values(actor_ref=None))
    session.execute(delete(FormAnswer).where(FormAnswer.member_id == member.id))
    session.execute(delete(StaffNote).where(StaffNote.member_id == member.id))
    session.execute(delete(OneTimeCode).where(OneTimeCode.member_id == member.id))
    session.execute(update(Purchase).where(Purchase.member_id == member.id).values(buyer_ref=None))
