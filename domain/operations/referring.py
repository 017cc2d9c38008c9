"""Who brought whom (definitions §7): a new person, by a member's link, with a verified phone within 30 days.

The first link wins, and a person is brought once. What is refused is kept with its reason.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.operations import missions, resolving
from domain.operations.auditing import audit
from domain.operations.recording import record, unrecord
from domain.wording import mark
from models.channel import the_channel
from models.member import Identity, Member
from models.mission import Referral
from models.session import insert_for

LIFE = timedelta(days=30)  # from the click to the verified phone
# Opening a link makes a person known: who was known longer than this before it is not new.
JUST_NOW = timedelta(hours=1)


def link_of(session: Session, member: Member) -> str:
    """The address a member shares; it opens the joining page. It names the record they came by."""
    own = session.get_one(Member, resolving.record_of(session, member.id))
    return the_channel(session).liff_url(f"/join?by={own.ref}")


def clicked(session: Session, person: Member, *, by: str, now: datetime) -> Referral | None:
    """Somebody opened a member's link. None when another link was first, or the link is nobody's."""
    named = session.scalar(select(Member).where(Member.ref == by))
    if named is None or named.erased_at is not None:
        return None
    referrer = session.get_one(Member, resolving.roots(session, [named.id])[named.id])
    if not referrer.is_member:
        return None
    reason = _known_before(session, person, referrer, now=now)
    values = {
        "referrer_id": referrer.id, "person_id": resolving.record_of(session, person.id), "clicked_at": now,
        "state": "refused" if reason else "clicked", "state_at": now, "reason": reason,
        "via_id": named.id if named.id != referrer.id else None,
    }  # fmt: skip
    statement = insert_for(session)(Referral).values(values).on_conflict_do_nothing(index_elements=["person_id"])
    made: Referral | None = session.scalars(statement.returning(Referral)).first()
    return made


def _known_before(session: Session, person: Member, referrer: Member, *, now: datetime) -> str | None:
    if person.id == referrer.id:
        return "same_person"
    followed = person.friend.first_followed_at if person.friend else None
    is_old = person.created_at < now - JUST_NOW or (followed is not None and followed < now - JUST_NOW)
    return "known_before" if is_old or person.is_member else None


def settle(session: Session, member_ids: Collection[int], *, now: datetime) -> int:
    """Judges the open referrals of these people, who may have joined or verified a phone; returns the successes."""
    succeeded = list[int]()
    for member_id in member_ids:
        records = resolving.below(session, member_id)
        waiting = select(Referral).where(Referral.person_id.in_(records), Referral.state == "clicked")
        for referral in session.scalars(waiting.order_by(Referral.id).with_for_update()):
            if _judge(session, referral, now=now):
                succeeded.append(referral.referrer_id)
    session.flush()
    missions.settle(session, succeeded, now=now)
    return len(succeeded)


def _judge(session: Session, referral: Referral, *, now: datetime) -> bool:
    """Succeeds, is refused, or goes on waiting for what is missing."""
    kept = resolving.roots(session, [referral.person_id, referral.referrer_id])
    person = session.get_one(Member, kept[referral.person_id])
    referrer = session.get_one(Member, kept[referral.referrer_id])
    phones = _verified_phones(session, person)
    if not person.is_member or not phones:
        return False
    reason = _objection(session, referral, person, referrer, phones, now=now)
    referral.state, referral.state_at, referral.reason = "refused" if reason else "succeeded", now, reason
    if reason is not None:
        return False
    referral.referrer_id = referrer.id
    record(
        session, "referred", member_id=referrer.id, source="referral", object=person.ref,
        dedupe_key=f"referred:{referral.id}", via_id=referral.via_id, now=now,
    )  # fmt: skip
    return True


def _verified_phones(session: Session, person: Member) -> list[str]:
    theirs = Identity.member_id.in_(resolving.below(session, person.id))
    phones = select(Identity.value).where(theirs, Identity.kind == "phone", Identity.verified_at.is_not(None))
    return list(session.scalars(phones))


def _objection(
    session: Session, referral: Referral, person: Member, referrer: Member, phones: Sequence[str], *, now: datetime
) -> str | None:
    """Why this is no success; None when it is one."""
    if now > referral.clicked_at + LIFE:
        return "too_late"
    owners = _of_these_phones(session, phones) - resolving.below(session, person.id)
    if person.id == referrer.id or owners & resolving.below(session, referrer.id):
        return "same_person"
    return "known_before" if owners or _is_older(session, person, referral) else None


def _of_these_phones(session: Session, phones: Sequence[str]) -> set[int]:
    """Whose record has one of these phones, verified or only claimed, at the counter, in a file or in the app."""
    named = exists().where(Identity.member_id == Member.id, Identity.kind == "phone", Identity.value.in_(phones))
    shown = select(Member.id).where(Member.erased_at.is_(None), or_(Member.phone.in_(phones), named))
    return set(session.scalars(shown))


def _is_older(session: Session, person: Member, referral: Referral) -> bool:
    """Whether some record of this person (joined into it by its phone) was there before the link was opened."""
    own = Member.id.in_(resolving.below(session, person.id))
    before = select(Member.id).where(own, Member.created_at < referral.clicked_at - JUST_NOW)
    return session.scalar(before.limit(1)) is not None


def take_back(session: Session, referral_id: int, *, staff_id: int, now: datetime) -> Referral:
    """Staff say that a success was none: it counts no more. What was given for it stays, to be withdrawn by hand."""
    referral = session.get(Referral, referral_id, with_for_update=True)
    if referral is None:
        raise NotFound(mark("There is no such referral. Look at the list again."))
    if referral.state != "succeeded":
        raise Conflict(mark("Nothing was taken back: this referral is no success. Look at the list again."))
    referral.state, referral.state_at, referral.reason = "refused", now, "taken_back"
    unrecord(session, [f"referred:{referral.id}"])
    audit(
        session, staff_id=staff_id, action="took_referral_back", member_id=referral.referrer_id,
        object=f"referral:{referral.id}", now=now,
    )  # fmt: skip
    session.flush()
    missions.settle(session, [referral.referrer_id], now=now)
    return referral
