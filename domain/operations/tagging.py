"""Tags are given, renewed and taken, each time with the reason."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from domain.operations.recording import record_many
from domain.rules import validate
from models.arithmetic import one_of
from models.merge import via_of
from models.programme import MemberTag, Tag
from models.rows import insert_many

# How long a tag lives that says nothing about it (definitions §4.1).
BEHAVIOUR_LIFE = 365
BATCH = 2_000


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
        _close_expired(session, one_of(MemberTag.member_id, batch) & (MemberTag.tag_id == tag.id), now=now)
        have = _renew(session, tag, batch, source=source, now=now)
        new += _insert(session, tag, [each for each in batch if each not in have], why, source=source, now=now)
        about = {"rule": tag.rule_version if source == "rule" else None, "expires_at": _text(expiry(tag, now))}
        _note(session, "tagged", tag, batch, source=source, data=about, now=now)
    return new


def take(session: Session, member_ids: Collection[int], tag: Tag, *, source: str, now: datetime) -> int:
    """Takes the tag away; returns how many had it."""
    taken = 0
    for batch in _batches(sorted(set(member_ids))):
        held = one_of(MemberTag.member_id, batch) & (MemberTag.tag_id == tag.id)
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
        .returning(MemberTag.member_id, MemberTag.tag_id, MemberTag.via_id)
        .execution_options(synchronize_session=False)
    ).all()
    for tag_id in {row.tag_id for row in closed}:
        owners = {row.member_id: row.via_id if source == "expiry" else None for row in closed if row.tag_id == tag_id}
        _note(session, "untagged", tags[tag_id], list(owners), source=source, data={}, vias=owners, now=now)
    return len(closed)


def _note(
    session: Session,
    kind: str,
    tag: Tag,
    member_ids: Sequence[int],
    *,
    source: str,
    data: dict[str, Any],
    vias: Mapping[int, int | None] | None = None,
    now: datetime,
) -> None:
    """One line of the journey each; the same change at the same moment is one change."""
    people = [(each, f"{kind}:{tag.id}:{each}:{now.timestamp():.3f}") for each in member_ids]
    record_many(session, kind, people=people, source=source, object=tag.key, data=data, vias=vias, now=now)


def _renew(session: Session, tag: Tag, batch: Sequence[int], *, source: str, now: datetime) -> set[int]:
    values: dict[str, Any] = {"renewed_at": now, "expires_at": expiry(tag, now)}
    held = [MemberTag.tag_id == tag.id, one_of(MemberTag.member_id, batch), MemberTag.removed_at.is_(None)]
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
            "source": source, "rule_version": version, "evidence": why[each], "via_id": via_of(session, each),
        }
        for each in member_ids
    ]  # fmt: skip
    # Somebody else may be giving the same tag at this moment: one open row is enough.
    once = ["tag_id", "member_id"]
    return len(insert_many(session, MemberTag, rows, once=once, where="removed_at IS NULL", returning=MemberTag.id))


def refresh_evidence(
    session: Session, tag: Tag, member_ids: Sequence[int], evidence_of: Mapping[int, dict[str, Any]]
) -> None:
    """A renewal rests on what is true now, not on what was true then."""
    if not member_ids:
        return
    held = MemberTag.tag_id == tag.id, one_of(MemberTag.member_id, member_ids), MemberTag.removed_at.is_(None)
    rows = session.execute(select(MemberTag.id, MemberTag.member_id).where(*held, MemberTag.source == "rule"))
    fresh = [{"id": row.id, "evidence": evidence_of[row.member_id]} for row in rows]
    if fresh:
        session.execute(update(MemberTag), fresh)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), BATCH):
        yield ids[at : at + BATCH]


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
