"""Two records are one person: everything the one owns moves to the other, which answers for both from then on.

Two known people are joined only by a member of staff (I12); by itself only a record that is nothing but the phone
or the LINE id in question. Identities and the LINE account stay where they are; see `belongings` for the rest.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.operations import belongings, folding, netting, resolving, retagging, settling
from domain.operations.auditing import audit
from domain.operations.recording import note_history, record
from domain.wording import mark
from models.member import Friend, Identity, Member
from models.merge import Merge, MergeProposal
from models.programme import TierLine

# In the evidence: the latest line of the tier ledger when two were joined.
AFTER = "after_tier_line"
BY_STAFF, BY_PHONE, BY_LINE = "by_staff", "verified_phone", "line_id"


def merge(
    session: Session,
    kept: Member,
    gone: Member,
    *,
    staff_id: int | None,
    reason: str = BY_STAFF,
    evidence: Mapping[str, Any] | None = None,
    follows: bool = True,
    now: datetime,
) -> Merge:
    """From now on `kept` answers for both. Raises Conflict when these two cannot be joined, or not this way round.

    Without `follows`, the caller calls `follow_up` for all it joined.
    """
    take_turn(session, kept, gone)
    _check(session, kept, gone)
    known = {**(evidence or {}), AFTER: session.scalar(select(func.max(TierLine.id))) or 0}
    made = Merge(kept_id=kept.id, gone_id=gone.id, reason=reason, evidence=known, at=now, by_id=staff_id)
    session.add(made)
    gone.merged_into_id = kept.id
    session.flush()
    folding.refold(session, kept)
    belongings.bring(session, {gone.id: kept.id})
    _tell(session, made, kept, gone, now=now)
    _decide(session, kept, gone, staff_id=staff_id, now=now)
    if staff_id is not None:
        audit(session, staff_id=staff_id, action="merged", member_id=kept.id, data={"gone": gone.ref}, now=now)
    session.flush()
    session.expire_all()
    if follows:
        follow_up(session, [kept.id], now=now)
    for row in (made, kept, gone):
        session.refresh(row)
    return made


def take_turn(session: Session, *members: Member) -> None:
    """Nobody else records orders, joins or parts these people until this transaction ends."""
    netting.take_turn(session)
    for member in sorted(members, key=lambda each: each.id):
        session.refresh(member, with_for_update=True)


def follow_up(session: Session, member_ids: Collection[int], *, now: datetime) -> None:
    """Computes anew what is derived from these people's past, and only theirs. It is no news to anyone.

    Of a record that was joined into another nothing is: it sleeps.
    """
    member_ids = [each for each, kept in resolving.roots(session, member_ids).items() if each == kept]
    if not member_ids:
        return
    note_history(session, member_ids, now=now)
    settling.settle(session, member_ids, is_history=True, now=now)
    retagging.settle(session, member_ids, now=now)


def _check(session: Session, kept: Member, gone: Member) -> None:
    if kept.id == gone.id:
        raise Conflict(mark("Nothing was joined: this is one record already. Choose another person."), code="same")
    for each in (kept, gone):
        if each.merged_into_id is not None:
            raise Conflict(
                mark("Nothing was joined: one of the two was joined into another record meanwhile. Open it again."),
                code="joined_already",
            )
        if each.erased_at is not None:
            raise Conflict(mark("Nothing was joined: one of the two has been forgotten."), code="erased")
    if kept.is_test != gone.is_test:
        raise Conflict(mark("Nothing was joined: one of the two is a test record. Change its mark first."), code="test")
    if not has_line(session, kept) and has_line(session, gone):
        raise Conflict(
            mark("Nothing was joined: keep the record that has the LINE account, or messages would reach nobody."),
            code="keep_line",
        )


def has_line(session: Session, member: Member) -> bool:
    """Whether messages can reach the person by this record."""
    befriended = select(Friend.id).where(Friend.member_id == member.id)
    named = select(Identity.id).where(
        Identity.member_id == member.id, Identity.kind == "line", Identity.verified_at.is_not(None)
    )
    return session.scalar(befriended) is not None or session.scalar(named.limit(1)) is not None


def is_bare(session: Session, member: Member, kind: str, value: str) -> bool:
    """Whether nothing else names this record: it may be joined without a person saying so."""
    names = session.execute(select(Identity.kind, Identity.value).where(Identity.member_id == member.id)).all()
    mine = {(kind, value)}
    open_merge = select(Merge.id).where(Merge.kept_id == member.id, Merge.undone_at.is_(None)).limit(1)
    return (
        {tuple(each) for each in names} <= mine
        and (kind == "line" or not has_line(session, member))
        and member.merged_into_id is None
        and session.scalar(open_merge) is None
    )


def _tell(session: Session, made: Merge, kept: Member, gone: Member, *, now: datetime) -> None:
    """The night looks for these events: whoever they are of is scored anew."""
    for member, other, role in ((kept, gone, "kept"), (gone, kept, "gone")):
        record(
            session, "merged", member_id=member.id, source="console" if made.by_id else "system", object=other.ref,
            data={"role": role, "reason": made.reason}, dedupe_key=f"merged:{made.id}:{role}", now=now,
        )  # fmt: skip


def _decide(session: Session, kept: Member, gone: Member, *, staff_id: int | None, now: datetime) -> None:
    """The question is answered; what was asked of the one who is gone is asked of the one kept."""
    low, high = sorted((kept.id, gone.id))
    answered = update(MergeProposal).where(MergeProposal.low_id == low, MergeProposal.high_id == high)
    values = {"state": "merged", "decided_at": now, "decided_by_id": staff_id}
    session.execute(answered.values(values), execution_options={"synchronize_session": False})


def gather(session: Session, *, since: datetime | None = None, now: datetime) -> int:
    """Moves what reached a record after it was joined (an order on its way, a send that ended since).

    Safe to repeat; returns whose rows grew. `since`: only records joined since then.
    """
    merges = select(Merge.gone_id, Merge.kept_id).where(Merge.undone_at.is_(None)).order_by(Merge.id)
    if since is not None:
        merges = merges.where(Merge.at >= since)
    pairs: dict[int, int] = dict(session.execute(merges).all())
    if not pairs:
        return 0
    # What comes to a record that was joined in turn goes on to the one that answers.
    ends = resolving.roots(session, pairs.values())
    grew: set[int] = set()
    items = [(gone, ends[kept]) for gone, kept in pairs.items()]
    for at in range(0, len(items), 500):
        grew |= belongings.bring(session, dict(items[at : at + 500]))
    if grew:
        follow_up(session, grew, now=now)
    return len(grew)
