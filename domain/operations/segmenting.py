"""Segments: saved rules about people. Saving one changes nobody; a send freezes who is in it."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid
from domain.rules import RuleContext, compile_rule, is_large, people_of, validate
from domain.wording import mark
from models.member import Member
from models.programme import Segment


def people_in(rule: dict[str, Any], context: RuleContext) -> Select[int]:
    """The ids of everyone the rule holds for. Staff, test people, the erased and the merged are no figures."""
    return select(Member.id).where(
        Member.erased_at.is_(None),
        Member.merged_into_id.is_(None),
        Member.is_test.is_(False),
        Member.is_staff.is_(False),
        compile_rule(rule, context),
    )


def save(
    session: Session,
    *,
    key: str | None = None,
    name: str,
    rule: Any,
    version: int | None = None,
    now: datetime,
) -> Segment:
    """Makes a segment, or changes the one called `key`.

    Raises Conflict when somebody saved it since `version` was read, Invalid for a rule that cannot be.
    """
    checked, called = validate(rule), _checked_name(name)
    if key is None:
        segment = Segment(key=new_key(session, called), name=called, rule=checked, created_at=now)
        session.add(segment)
    else:
        segment = named(session, key, lock=True)
        if version is not None and version != segment.version:
            raise Conflict(
                mark("The segment was not saved because somebody else changed it meanwhile. Open it again to see how."),
                code="changed_meanwhile",
            )
        segment.version += int(checked != segment.rule or called != segment.name)
        segment.name, segment.rule = called, checked
    session.flush()
    return segment


def named(session: Session, key: str, *, lock: bool = False) -> Segment:
    """The segment of this key. Raises Invalid when there is none."""
    query = select(Segment).where(Segment.key == key, Segment.archived_at.is_(None))
    segment = session.scalar(query.with_for_update() if lock else query)
    if segment is None:
        raise Invalid(mark("There is no such segment any more. Choose another from the list."), code="no_segment")
    return segment


def archive(session: Session, *, key: str, now: datetime) -> None:
    """Takes the segment off the list; sends that were frozen with it keep it."""
    named(session, key, lock=True).archived_at = now
    session.flush()


def live(session: Session) -> Sequence[Segment]:
    return session.scalars(
        select(Segment).where(Segment.archived_at.is_(None)).order_by(Segment.name, Segment.id)
    ).all()


@dataclass(frozen=True)
class Counted:
    """How many a rule holds for, and some of them, the newest first. `as_of`: None when it is this very moment."""

    count: int
    newest: Select[int] | list[int]
    as_of: datetime | None = None


def counted(session: Session, rule: dict[str, Any], context: RuleContext, *, faces: int = 0) -> Counted:
    """Counts while a rule is being edited: a large brand by sets, a smaller one in the rows themselves."""
    if not is_large(session):
        return Counted(_count(session, rule, context), people_in(rule, context))
    ids, as_of = people_of(session, rule, context)
    newest = list(ids[-faces:]) if faces else []
    return Counted(len(ids), newest, None if as_of >= context.now else as_of)


def count_of(session: Session, rule: dict[str, Any], context: RuleContext) -> int:
    return counted(session, rule, context).count


def _count(session: Session, rule: dict[str, Any], context: RuleContext) -> int:
    return session.scalar(select(func.count()).select_from(people_in(rule, context).subquery())) or 0


def _checked_name(name: str) -> str:
    called = " ".join(name.split())[:255]
    if not called:
        raise Invalid(mark("The segment was not saved because it has no name. Give it one."), code="no_name")
    return called


def new_key(session: Session, name: str) -> str:
    """A key for files and links, from the name's letters where it has Latin ones."""
    folded = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", folded).strip("_")[:40] or "segment"
    taken = set(session.scalars(select(Segment.key).where(Segment.key.startswith(stem, autoescape=True))))
    return next(key for key in (stem, *(f"{stem}_{n}" for n in range(2, len(taken) + 3))) if key not in taken)
