"""A merge is undone: each record gets back what happened on it, before the merge and since."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.operations import belongings, folding, merging, pointing, replaying, resolving, tiering
from domain.operations.auditing import audit
from domain.operations.recording import record
from domain.wording import mark
from models.event import Event
from models.member import Member
from models.merge import Merge, MergeProposal
from models.programme import MemberTag, Tag

CONSENTING = ("consented", "refused")
TAGGING = ("tagged", "untagged")


def unmerge(session: Session, made: Merge, *, staff_id: int | None, reason: str = "", now: datetime) -> None:
    """Parts the two records again. What happened meanwhile goes to the record by whose identity it happened.

    Merges may be undone in any order. Raises Conflict when this one was undone already.
    """
    kept, gone = session.get_one(Member, made.kept_id), session.get_one(Member, made.gone_id)
    merging.take_turn(session, kept, gone)
    session.refresh(made, with_for_update=True)
    if made.undone_at is not None:
        raise Conflict(mark("Nothing was parted: these records were parted already."), code="parted_already")
    if kept.erased_at is not None or gone.erased_at is not None:
        raise Conflict(mark("Nothing was parted: this person has been forgotten."), code="erased")
    holder = resolving.roots(session, [kept.id])[kept.id]
    below = resolving.below(session, gone.id)
    _part_words(session, made, kept, gone, below)
    made.undone_at, made.undone_by_id, made.undone_reason = now, staff_id, reason[:255] or None
    gone.merged_into_id = None
    session.flush()
    folding.refold(session, kept, undone=made)
    belongings.give_back(session, holder=holder, record=gone.id, below=below, now=now)
    _remember(session, made, kept, gone, staff_id=staff_id, now=now)
    session.flush()
    session.expire_all()
    _replay(session, {holder, gone.id}, now=now)
    _reread_tags(session, {holder, gone.id}, since=made.at, now=now)
    parted = sorted({holder, kept.id, gone.id})
    tiering.restate(session, parted, after=_since_line(session, made, {*parted, *below}), now=now)
    merging.follow_up(session, parted, now=now)
    pointing.take_back_unearned(session, parted, now=now)
    for row in (made, kept, gone):
        session.refresh(row)


def _since_line(session: Session, made: Merge, records: Collection[int]) -> int:
    """The latest line of the tier ledger before any of the merges that overlapped with this one."""
    merges = select(Merge).where(Merge.kept_id.in_({*records, made.kept_id})).order_by(Merge.id.desc())
    began, line = made.at, int(made.evidence.get(merging.AFTER, 0))
    for each in session.scalars(merges):
        if each.undone_at is None or each.undone_at >= began:
            began = min(began, each.at)
            line = min(line, int(each.evidence.get(merging.AFTER, line)))
    return line


def _part_words(session: Session, made: Merge, kept: Member, gone: Member, below: Collection[int]) -> None:
    """Who said what since: consent and registration are events, and those know by which record they came."""
    said = select(Event.kind).where(
        Event.via_id.in_(below), Event.kind.in_((*CONSENTING, "registered")), Event.recorded_at >= made.at
    )
    kinds = set(session.scalars(said))
    record: Member | None = kept
    while record is not None:  # and whoever that one was joined into: it was said to the last of them
        folding.part_words(
            session, record, gone, made, consented=not kinds.isdisjoint(CONSENTING), registered="registered" in kinds
        )
        record = session.get(Member, record.merged_into_id) if record.merged_into_id else None


def _replay(session: Session, member_ids: set[int], *, now: datetime) -> None:
    """States that are a reading of the log: each record's are read from its own again."""
    replaying.replay_registration(session, member_ids)
    replaying.replay_consent(session, member_ids)
    imported = (
        select(Event.member_id, Event.object)
        .where(Event.member_id.in_(member_ids), Event.kind.in_(TAGGING), replaying.is_imported())
        .distinct()
    )
    pairs = {(member_id, key) for member_id, key in session.execute(imported) if member_id is not None and key}
    replaying.replay_tags(session, pairs, now=now)


def _reread_tags(session: Session, member_ids: set[int], *, since: datetime, now: datetime) -> None:
    """Tags given or taken by hand since the merge, by either record: each holds what its own log says."""
    moved = select(Event.member_id, Event.object).where(
        Event.member_id.in_(member_ids), Event.kind.in_(TAGGING), Event.recorded_at >= since, Event.source != "rule"
    )
    pairs = {(member_id, key) for member_id, key in session.execute(moved.distinct())}
    tags = {tag.key: tag for tag in session.scalars(select(Tag).where(Tag.key.in_({key or "" for _, key in pairs})))}
    log = replaying.happenings(session, member_ids, TAGGING) if tags else {}
    for member_id, key in sorted(pairs, key=str):
        theirs = [each for each in log.get(member_id or 0, ()) if each.object == key and each.source != "rule"]
        if key in tags and not any(replaying.came_in(each) for each in theirs):
            spans = replaying.spans(theirs, tags[key], now=now)
            _hold(session, member_id, tags[key], spans[-1] if spans else None, now=now)


def _hold(session: Session, member_id: int | None, tag: Tag, span: replaying.Span | None, *, now: datetime) -> None:
    """Puts the open row of a tag in step with the latest span of its log."""
    open_row = select(MemberTag).where(
        MemberTag.member_id == member_id, MemberTag.tag_id == tag.id, MemberTag.removed_at.is_(None)
    )
    row = session.scalar(open_row)
    if span is None or span.removed_at is not None:
        if row is not None and row.source != "rule":
            row.removed_at = span.removed_at if span else now
    elif row is None:
        session.add(
            MemberTag(
                member_id=member_id, tag_id=tag.id, assigned_at=span.given.occurred_at, renewed_at=span.renewed_at,
                expires_at=span.expires_at, source=span.given.source, evidence={},
            )
        )  # fmt: skip
    session.flush()


def _remember(
    session: Session, made: Merge, kept: Member, gone: Member, *, staff_id: int | None, now: datetime
) -> None:
    for member, other, role in ((kept, gone, "kept"), (gone, kept, "gone")):
        record(
            session, "unmerged", member_id=member.id, source="console" if staff_id else "system", object=other.ref,
            data={"role": role}, dedupe_key=f"unmerged:{made.id}:{role}", now=now,
        )  # fmt: skip
    low, high = sorted((kept.id, gone.id))
    asked = select(MergeProposal).where(MergeProposal.low_id == low, MergeProposal.high_id == high)
    proposal = session.scalar(asked)
    if proposal is not None:
        proposal.state, proposal.decided_at, proposal.decided_by_id = "apart", now, staff_id
    audit(session, staff_id=staff_id, action="unmerged", member_id=kept.id, data={"gone": gone.ref}, now=now)
