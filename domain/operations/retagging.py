"""Rule tags kept in step with their rules: who gets one, keeps it, loses it, and asking only those who may have moved.

`Tag.tagged_at` says up to where a tag has been brought. The night asks the movers since then (domain/rules/_moving);
once a week it asks everyone and counts what the movers had left out, which must be nobody.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import tagging
from domain.operations.tagging import BATCH
from domain.rules import compile_rule, context_of, movers, why_many
from domain.scores._movers import Since
from models.arithmetic import one_of
from models.member import Member
from models.programme import MemberTag, Tag

# A rule tag that is still true is renewed when it would run out within this, so that it never lapses.
RENEW_BEFORE = timedelta(days=30)
COMPARE_EVERY = timedelta(days=7)
# After a longer pause most people would be movers.
LONGEST_GAP = timedelta(days=60)
PIECE = 5_000  # people a rule is asked of at a time, when not of everyone


@dataclass(frozen=True)
class Plan:
    """What the night has to do about one rule tag: nobody else is touched."""

    tag_id: int
    to_give: Sequence[int]
    to_renew: Sequence[int]
    to_take: Sequence[int]

    def size(self) -> int:
        return len(self.to_give) + len(self.to_renew) + len(self.to_take)


def rule_tags(session: Session) -> Sequence[int]:
    """Tags that live by a rule, in a fixed order."""
    live = select(Tag.id).where(Tag.rule.is_not(None), Tag.archived_at.is_(None))
    return session.scalars(live.order_by(Tag.id)).all()


def plan(session: Session, tag_id: int, *, now: datetime) -> Plan:
    """Compares everyone who has the tag with whom its rule holds for. Only what the rule gave, the rule takes."""
    return _compared(session, session.get_one(Tag, tag_id), None, now=now)


def plan_moved(session: Session, tag_id: int, *, now: datetime) -> Plan | None:
    """The same of those only who may have moved since the last time; None when that is not to be told."""
    tag = session.get_one(Tag, tag_id)
    since = _since(session, tag, now)
    found = movers(tag.rule or {}, since, context_of(session, now)) if since else None
    if found is None:
        return None
    running_out = _by_rule(tag).where(MemberTag.expires_at <= now + RENEW_BEFORE)
    ids = sorted({*session.scalars(found), *session.scalars(running_out)})
    parts = [_compared(session, tag, ids[at : at + PIECE], now=now) for at in range(0, len(ids), PIECE)]
    return Plan(
        tag_id,
        [each for part in parts for each in part.to_give],
        [each for part in parts for each in part.to_renew],
        [each for part in parts for each in part.to_take],
    )


def is_compare_due(session: Session, tag_id: int, *, now: datetime) -> bool:
    """Whether the tag has not been held against asking everyone for a week."""
    compared_at = session.get_one(Tag, tag_id).compared_at
    return compared_at is None or now - compared_at >= COMPARE_EVERY


def brought_up(session: Session, tag_id: int, *, compared: bool, now: datetime, machine_now: datetime) -> None:
    """Notes that the tag stands as its rule says at `now`, by what was known at `machine_now`."""
    tag = session.get_one(Tag, tag_id)
    tag.tagged_at, tag.tagged_machine_at, tag.tagged_version = now, machine_now, tag.rule_version
    if compared:
        tag.compared_at = now


def ask_everyone(session: Session) -> None:
    """What rules rest on besides people has changed (a tag archived, a threshold moved): nobody is passed over next."""
    session.execute(update(Tag).where(Tag.rule.is_not(None)).values(tagged_version=None))


def pieces(found: Plan) -> Iterator[Plan]:
    """A plan in pieces small enough for one transaction each."""
    for at in range(0, len(found.to_give), BATCH):
        yield Plan(found.tag_id, found.to_give[at : at + BATCH], (), ())
    for at in range(0, len(found.to_renew), BATCH):
        yield Plan(found.tag_id, (), found.to_renew[at : at + BATCH], ())
    for at in range(0, len(found.to_take), BATCH):
        yield Plan(found.tag_id, (), (), found.to_take[at : at + BATCH])


def carry_out(session: Session, piece: Plan, *, now: datetime) -> None:
    """Does one piece. Doing it twice changes nothing the second time but a renewal."""
    tag = session.get_one(Tag, piece.tag_id)
    holding = [*piece.to_give, *piece.to_renew]
    if holding:
        because = why_many(session, tag.rule or {}, holding, context_of(session, now))
        evidence_of = {each: {"why": [part.as_json() for part in because.get(each, [])]} for each in holding}
        tagging.give(session, holding, tag, source="rule", evidence_of=evidence_of, now=now)
        tagging.refresh_evidence(session, tag, piece.to_renew, evidence_of)
    if piece.to_take:
        tagging.take(session, piece.to_take, tag, source="rule", now=now)


def settle(session: Session, member_ids: Collection[int], *, now: datetime) -> int:
    """Brings every rule tag of these people in step at once; how many changes there were."""
    ids = sorted(set(member_ids))
    changes = 0
    for tag_id in rule_tags(session) if ids else ():
        tag = session.get_one(Tag, tag_id)
        for at in range(0, len(ids), PIECE):
            found = _compared(session, tag, ids[at : at + PIECE], now=now)
            for piece in pieces(found):
                carry_out(session, piece, now=now)
            changes += found.size()
    return changes


def _since(session: Session, tag: Tag, now: datetime) -> Since | None:
    if tag.tagged_at is None or tag.tagged_machine_at is None or tag.tagged_version != tag.rule_version:
        return None
    if not timedelta(0) <= now - tag.tagged_at <= LONGEST_GAP:
        return None
    return Since(calendar_of(session).day_of(tag.tagged_at), tag.tagged_at, tag.tagged_machine_at)


def _by_rule(tag: Tag) -> Select[int]:
    return _open(tag).where(MemberTag.source == "rule")


def _open(tag: Tag) -> Select[int]:
    return select(MemberTag.member_id).where(MemberTag.tag_id == tag.id, MemberTag.removed_at.is_(None))


def _compared(session: Session, tag: Tag, ids: Sequence[int] | None, *, now: datetime) -> Plan:
    """Of everyone, or of these people, who is to be given the tag, to keep it, to lose it."""
    context = context_of(session, now)
    people = select(Member.id).order_by(Member.id)
    if ids is not None:
        context, people = context.for_only(tuple(ids)), people.where(one_of(Member.id, ids))
    holds = compile_rule(tag.rule or {}, context)
    person = Member.erased_at.is_(None), Member.merged_into_id.is_(None)
    by_rule = _by_rule(tag)
    stale = or_(MemberTag.rule_version != tag.rule_version, MemberTag.expires_at <= now + RENEW_BEFORE)
    return Plan(
        tag_id=tag.id,
        to_give=session.scalars(people.where(*person, holds, Member.id.not_in(_open(tag)))).all(),
        to_renew=session.scalars(people.where(*person, holds, Member.id.in_(by_rule.where(stale)))).all(),
        # The tags of a record that was joined into another sleep with it.
        to_take=session.scalars(people.where(Member.merged_into_id.is_(None), ~holds, Member.id.in_(by_rule))).all(),
    )
