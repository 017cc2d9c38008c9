"""Which records may be one person: found by what they share, shown to staff, decided by staff alone.

A phone or LINE id that is verified on one record and was shown to be another's too says they are the same; a shared
e-mail, a phone one of them only claims, or the same name and birthday only suggest it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from domain.errors import Conflict
from domain.operations import resolving
from domain.operations.auditing import audit
from domain.wording import mark
from models.member import Identity, Member
from models.merge import MergeProposal
from models.session import insert_for

SAME, SUGGESTS = "same", "suggests"
KINDS = ("phone", "line", "email")
# More records than this behind one phone is a shop's own number or a family's, and says nothing.
SHARED_BY_MOST = 5
PIECE = 500

Pair = tuple[int, int]


@dataclass(frozen=True)
class Evidence:
    """One thing two records share; `value` is masked."""

    kind: str  # phone | line | email | name_birthday
    value: str
    strength: str

    def as_json(self) -> dict[str, str]:
        return {"kind": self.kind, "value": self.value, "strength": self.strength}


def find(session: Session, *, now: datetime) -> int:
    """Looks at everyone for pairs that share something; how many are asked newly. Safe to repeat."""
    found: dict[Pair, list[Evidence]] = defaultdict(list)
    for one, other, evidence in [*_by_identity(session), *_by_name(session)]:
        found[_pair(one, other)].append(evidence)
    return propose(session, found, now=now)


def propose(session: Session, found: dict[Pair, list[Evidence]], *, now: datetime) -> int:
    """Asks about these pairs, unless staff decided on the same evidence before; how many are asked newly."""
    pairs = _of_the_kept(session, found)
    known = _known(session, pairs)
    fresh: list[dict[str, Any]] = []
    asked_again = 0
    for (low, high), evidence in pairs.items():
        told = [each.as_json() for each in sorted(evidence, key=lambda each: (each.strength, each.kind))]
        before = known.get((low, high))
        if before is None:
            fresh.append({"low_id": low, "high_id": high, "evidence": told, "state": "open", "found_at": now})
        elif before.state != "merged" and (new := _unseen(before, told)):
            asked_again += before.state != "open"
            before.evidence, before.state, before.found_at = [*before.evidence, *new], "open", now
    for at in range(0, len(fresh), PIECE):
        session.execute(insert_for(session)(MergeProposal).on_conflict_do_nothing(), fresh[at : at + PIECE])
    session.flush()
    return len(fresh) + asked_again


def _unseen(before: MergeProposal, told: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    return [each for each in told if each not in before.evidence]


def _pair(one: int, other: int) -> Pair:
    return (one, other) if one < other else (other, one)


def _of_the_kept(session: Session, found: dict[Pair, list[Evidence]]) -> dict[Pair, set[Evidence]]:
    """The pairs between those who answer for them; who is one already, or gone, is not asked about."""
    ids = {each for pair in found for each in pair}
    kept = resolving.roots(session, ids)
    left_out = _left_out(session, set(kept.values()))
    pairs: dict[Pair, set[Evidence]] = defaultdict(set)
    for pair, evidence in found.items():
        one, other = (kept.get(each, 0) for each in pair)
        if one != other and not {one, other} & (left_out | {0}):
            pairs[_pair(one, other)].update(evidence)
    return pairs


def _left_out(session: Session, ids: Collection[int]) -> set[int]:
    gone: set[int] = set()
    for part in _parts(sorted(ids)):
        query = select(Member.id).where(Member.id.in_(part), Member.erased_at.is_not(None) | Member.is_test)
        gone |= set(session.scalars(query))
    return gone


def _known(session: Session, pairs: Iterable[Pair]) -> dict[Pair, MergeProposal]:
    known: dict[Pair, MergeProposal] = {}
    for part in _parts(sorted({low for low, _ in pairs})):
        for each in session.scalars(select(MergeProposal).where(MergeProposal.low_id.in_(part))):
            known[(each.low_id, each.high_id)] = each
    return known


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for at in range(0, len(ids), PIECE):
        yield ids[at : at + PIECE]


def _by_identity(session: Session) -> Iterator[tuple[int, int, Evidence]]:
    """Pairs that go by the same phone, LINE id or e-mail."""
    shared = (
        select(Identity.kind, Identity.value)
        .where(Identity.kind.in_(KINDS))
        .group_by(Identity.kind, Identity.value)
        .having(func.count().between(2, SHARED_BY_MOST))
        .subquery()
    )
    rows = select(Identity).join(
        shared, (Identity.kind == shared.c.kind) & (Identity.value == shared.c.value)
    )  # fmt: skip
    holders: dict[tuple[str, str], list[Identity]] = defaultdict(list)
    for row in session.scalars(rows.order_by(Identity.member_id)):
        holders[(row.kind, row.value)].append(row)
    for (kind, value), several in holders.items():
        for one, other in combinations(several, 2):
            yield one.member_id, other.member_id, Evidence(kind, masked(kind, value), _strength(one, other))


def _strength(one: Identity, other: Identity) -> str:
    proven = all(each.verified_at or each.seen_at for each in (one, other))
    return SAME if proven and one.kind in ("phone", "line") else SUGGESTS


def _by_name(session: Session) -> Iterator[tuple[int, int, Evidence]]:
    """Pairs with the same name and birthday."""
    who = (Member.name, Member.birth_date)
    living = (
        Member.birth_date.is_not(None), Member.name.is_not(None), Member.merged_into_id.is_(None),
        Member.erased_at.is_(None),
    )  # fmt: skip
    shared = select(*who).where(*living).group_by(*who).having(func.count().between(2, SHARED_BY_MOST)).subquery()
    rows = (
        select(Member.id, *who)
        .join(shared, (Member.name == shared.c.name) & (Member.birth_date == shared.c.birth_date))
        .where(*living)
    )
    several: dict[tuple[Any, Any], list[int]] = defaultdict(list)
    for member_id, name, birth_date in session.execute(rows.order_by(Member.id)):
        several[(name, birth_date)].append(member_id)
    for (_, birth_date), ids in several.items():
        for one, other in combinations(ids, 2):
            yield one, other, Evidence("name_birthday", f"{birth_date:%m-%d}", SUGGESTS)


def masked(kind: str, value: str) -> str:
    """Enough to compare, not enough to use."""
    if kind == "email":
        name, _, host = value.partition("@")
        return f"{name[:1]}•••@{host}"
    return f"••• {value[-3:]}"


def note_clash(session: Session, *, record_id: int, kind: str, value: str, now: datetime) -> None:
    """This record was shown to go by what another holds verified: both are most likely one person."""
    mine = {"member_id": record_id, "kind": kind, "value": value, "source": "clash", "created_at": now}
    session.execute(insert_for(session)(Identity).values(mine).on_conflict_do_nothing())
    held = (Identity.kind == kind) & (Identity.value == value)
    seen = update(Identity).where(held, Identity.member_id == record_id, Identity.verified_at.is_(None))
    session.execute(seen.values(seen_at=now), execution_options={"synchronize_session": False})
    holder = session.scalar(select(Identity.member_id).where(held, Identity.verified_at.is_not(None)))
    if holder is not None and holder != record_id:
        strength = SAME if kind in ("phone", "line") else SUGGESTS
        propose(session, {_pair(record_id, holder): [Evidence(kind, masked(kind, value), strength)]}, now=now)


def keep_apart(session: Session, proposal: MergeProposal, *, staff_id: int, now: datetime) -> None:
    """Staff say these are two people. They are asked again only when something new speaks for it."""
    session.refresh(proposal, with_for_update=True)
    if proposal.state == "merged":
        raise Conflict(
            mark("These two were joined meanwhile. Undo that if they are two people."), code="joined_already"
        )
    proposal.state, proposal.decided_at, proposal.decided_by_id = "apart", now, staff_id
    refs = list(session.scalars(select(Member.ref).where(Member.id.in_((proposal.low_id, proposal.high_id)))))
    audit(
        session, staff_id=staff_id, action="kept_apart", member_id=proposal.low_id, data={"people": refs}, now=now
    )  # fmt: skip
