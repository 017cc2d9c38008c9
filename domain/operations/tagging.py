"""Tags are given, renewed and taken, each time with the reason; rule tags live and die with their rule."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, text, update
from sqlalchemy.orm import Session

from domain.operations.recording import insert_for, record_many
from domain.rules import compile_rule, context_of, validate, why_many
from models.member import Member
from models.programme import MemberTag, Tag

# How long a tag lives that says nothing about it (definitions §4.1).
BEHAVIOUR_LIFE = 365
# A rule tag that is still true is renewed when it would run out within this, so that it never lapses.
RENEW_BEFORE = timedelta(days=30)
BATCH = 500


def give(
    session: Session,
    member_ids: Collection[int],
    tag: Tag,
    *,
    source: str,
    evidence: Mapping[str, Any] | None = None,
    evidence_of: Mapping[int, dict[str, Any]] | None = None,
    now: datetime,
) -> int:
    """Gives the tag, or renews it for those who have it; returns how many have it newly.

    `source` is rule, staff, form, campaign, import or automation; `evidence` says why, for all of them,
    or `evidence_of` for each.
    """
    new = 0
    for batch in _batches(sorted(set(member_ids))):
        why = {each: dict((evidence_of or {}).get(each, evidence or {})) for each in batch}
        _close_expired(session, MemberTag.member_id.in_(batch) & (MemberTag.tag_id == tag.id), now=now)
        have = _renew(session, tag, batch, source=source, now=now)
        new += _insert(session, tag, [each for each in batch if each not in have], why, source=source, now=now)
        about = {"rule": tag.rule_version if source == "rule" else None, "expires_at": _text(expiry(tag, now))}
        _note(session, "tagged", tag, batch, source=source, data=about, now=now)
    return new


def take(session: Session, member_ids: Collection[int], tag: Tag, *, source: str, now: datetime) -> int:
    """Takes the tag away; returns how many had it."""
    taken = 0
    for batch in _batches(sorted(set(member_ids))):
        held = MemberTag.member_id.in_(batch) & (MemberTag.tag_id == tag.id)
        taken += _close(session, held, {tag.id: tag}, source=source, now=now)
    return taken


def keep(session: Session, *, key: str, name: str, rule: Any, language: str) -> Tag:
    """Makes a rule a tag that the night gives and takes; the same key again changes its rule, as a new version."""
    checked = validate(rule)
    tag = session.scalar(select(Tag).where(Tag.key == key).with_for_update())
    if tag is None:
        tag = Tag(key=key, name={language: name}, rule=checked, kind="behaviour")
        session.add(tag)
    elif tag.rule != checked or tag.archived_at is not None:
        tag.rule, tag.rule_version, tag.archived_at = checked, tag.rule_version + 1, None
    session.flush()
    return tag


def expiry(tag: Tag, now: datetime) -> datetime | None:
    """When a tag given now runs out."""
    days = tag.life_days or (BEHAVIOUR_LIFE if tag.kind == "behaviour" else None)
    return now + timedelta(days=days) if days else None


@dataclass(frozen=True)
class Plan:
    """What the night has to do about one rule tag: nobody else is touched."""

    tag_id: int
    to_give: Sequence[int]
    to_renew: Sequence[int]
    to_take: Sequence[int]


def rule_tags(session: Session) -> Sequence[int]:
    """Tags that live by a rule, in a fixed order."""
    return session.scalars(
        select(Tag.id).where(Tag.rule.is_not(None), Tag.archived_at.is_(None)).order_by(Tag.id)
    ).all()


def plan(session: Session, tag_id: int, *, now: datetime) -> Plan:
    """Compares who has the tag with whom its rule holds for. Only what the rule gave, the rule takes."""
    tag = session.get_one(Tag, tag_id)
    holds = compile_rule(tag.rule or {}, context_of(session, now))
    person = [Member.erased_at.is_(None), Member.merged_into_id.is_(None)]
    open_rows = select(MemberTag.member_id).where(MemberTag.tag_id == tag_id, MemberTag.removed_at.is_(None))
    by_rule = open_rows.where(MemberTag.source == "rule")
    stale = or_(MemberTag.rule_version != tag.rule_version, MemberTag.expires_at <= now + RENEW_BEFORE)
    everyone = select(Member.id).order_by(Member.id)
    return Plan(
        tag_id=tag_id,
        to_give=session.scalars(everyone.where(*person, holds, Member.id.not_in(open_rows))).all(),
        to_renew=session.scalars(everyone.where(*person, holds, Member.id.in_(by_rule.where(stale)))).all(),
        to_take=session.scalars(everyone.where(~holds, Member.id.in_(by_rule))).all(),
    )


def pieces(found: Plan) -> Iterator[Plan]:
    """A plan in pieces small enough for one transaction each."""
    for batch in _batches(found.to_give):
        yield Plan(found.tag_id, batch, (), ())
    for batch in _batches(found.to_renew):
        yield Plan(found.tag_id, (), batch, ())
    for batch in _batches(found.to_take):
        yield Plan(found.tag_id, (), (), batch)


def carry_out(session: Session, piece: Plan, *, now: datetime) -> None:
    """Does one piece. Doing it twice changes nothing the second time but a renewal."""
    tag = session.get_one(Tag, piece.tag_id)
    holding = [*piece.to_give, *piece.to_renew]
    if holding:
        because = why_many(session, tag.rule or {}, holding, context_of(session, now))
        evidence_of = {each: {"why": [part.as_json() for part in because.get(each, [])]} for each in holding}
        give(session, holding, tag, source="rule", evidence_of=evidence_of, now=now)
        _refresh_evidence(session, tag, piece.to_renew, evidence_of)
    if piece.to_take:
        take(session, piece.to_take, tag, source="rule", now=now)


def retag(session: Session, *, now: datetime) -> dict[str, int]:
    """Brings every rule tag in step with its rule, and closes what has run out, in this one transaction."""
    report = {"given": 0, "renewed": 0, "taken": 0, "run_out": close_run_out(session, now=now)}
    for tag_id in rule_tags(session):
        found = plan(session, tag_id, now=now)
        for piece in pieces(found):
            carry_out(session, piece, now=now)
        report["given"] += len(found.to_give)
        report["renewed"] += len(found.to_renew)
        report["taken"] += len(found.to_take)
    return report


def close_run_out(session: Session, *, now: datetime, limit: int = 100_000) -> int:
    """Closes tags whose life is over; returns how many. More than `limit` are left for the next call."""
    ended = select(MemberTag.id).where(MemberTag.removed_at.is_(None), MemberTag.expires_at <= now).limit(limit)
    return _close_expired(session, MemberTag.id.in_(ended), now=now)


def _close_expired(session: Session, which: ColumnElement[bool], *, now: datetime) -> int:
    tags = {tag.id: tag for tag in session.scalars(select(Tag))}
    return _close(session, which & (MemberTag.expires_at <= now), tags, source="expiry", now=now)


def _close(session: Session, which: ColumnElement[bool], tags: Mapping[int, Tag], *, source: str, now: datetime) -> int:
    closed = session.execute(
        update(MemberTag)
        .where(which, MemberTag.removed_at.is_(None))
        .values(removed_at=now)
        .returning(MemberTag.member_id, MemberTag.tag_id)
        .execution_options(synchronize_session=False)
    ).all()
    for tag_id in {row.tag_id for row in closed}:
        owners = [row.member_id for row in closed if row.tag_id == tag_id]
        _note(session, "untagged", tags[tag_id], owners, source=source, data={}, now=now)
    return len(closed)


def _note(
    session: Session,
    kind: str,
    tag: Tag,
    member_ids: Sequence[int],
    *,
    source: str,
    data: dict[str, Any],
    now: datetime,
) -> None:
    """One line of the journey each; the same change at the same moment is one change."""
    people = [(each, f"{kind}:{tag.id}:{each}:{now.timestamp():.3f}") for each in member_ids]
    record_many(session, kind, people=people, source=source, object=tag.key, data=data, now=now)


def _renew(session: Session, tag: Tag, batch: Sequence[int], *, source: str, now: datetime) -> set[int]:
    values: dict[str, Any] = {"renewed_at": now, "expires_at": expiry(tag, now)}
    held = [MemberTag.tag_id == tag.id, MemberTag.member_id.in_(batch), MemberTag.removed_at.is_(None)]
    renewed = session.scalars(
        update(MemberTag)
        .where(*held)
        .values(values)
        .returning(MemberTag.member_id)
        .execution_options(synchronize_session=False)
    ).all()
    if source == "rule":
        own = update(MemberTag).where(*held, MemberTag.source == "rule").values(rule_version=tag.rule_version)
        session.execute(own.execution_options(synchronize_session=False))
    return set(renewed)


def _insert(
    session: Session,
    tag: Tag,
    member_ids: Sequence[int],
    why: Mapping[int, dict[str, Any]],
    *,
    source: str,
    now: datetime,
) -> int:
    if not member_ids:
        return 0
    version = tag.rule_version if source == "rule" else None
    rows = [
        {
            "member_id": each, "tag_id": tag.id, "assigned_at": now, "expires_at": expiry(tag, now),
            "source": source, "rule_version": version, "evidence": why[each],
        }
        for each in member_ids
    ]  # fmt: skip
    # Somebody else may be giving the same tag at this moment: one open row is enough.
    statement = insert_for(session)(MemberTag).on_conflict_do_nothing(
        index_elements=["tag_id", "member_id"], index_where=text("removed_at IS NULL")
    )
    return len(session.execute(statement.returning(MemberTag.id), rows).all())


def _refresh_evidence(
    session: Session, tag: Tag, member_ids: Sequence[int], evidence_of: Mapping[int, dict[str, Any]]
) -> None:
    """A renewal rests on what is true now, not on what was true then."""
    if not member_ids:
        return
    held = MemberTag.tag_id == tag.id, MemberTag.member_id.in_(member_ids), MemberTag.removed_at.is_(None)
    rows = session.execute(select(MemberTag.id, MemberTag.member_id).where(*held, MemberTag.source == "rule"))
    fresh = [{"id": row.id, "evidence": evidence_of[row.member_id]} for row in rows]
    if fresh:
        session.execute(update(MemberTag), fresh)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), BATCH):
        yield ids[at : at + BATCH]


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
