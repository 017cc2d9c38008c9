"""Why a rule holds for somebody: the parts that made it true, and the few rows behind each (I8)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from domain.rules._context import Names, RuleContext
from domain.rules._folder import conditions
from domain.rules._tree import Rule, compile_rule, read_params, sentence
from models.arithmetic import one_of
from models.member import Member

ROWS_EACH = 3


@dataclass(frozen=True)
class Because:
    """One part of a rule that holds for a person, with up to three rows behind it, newest first."""

    rule: Rule
    behind: list[dict[str, Any]]

    def words(self, language: str, names: Names | None = None) -> str:
        return sentence(self.rule, language, names)

    def as_json(self) -> dict[str, Any]:
        return {"because": self.rule, "behind": self.behind}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Because":
        return cls(stored["because"], list(stored.get("behind", [])))


def why(session: Session, rule: Rule, member_id: int, context: RuleContext) -> list[Because]:
    """The parts of the rule that hold for this person. Empty when the rule is {}."""
    return why_many(session, rule, [member_id], context).get(member_id, [])


def why_many(session: Session, rule: Rule, member_ids: Sequence[int], context: RuleContext) -> dict[int, list[Because]]:
    """`why` for a batch, in a fixed number of queries per part."""
    narrowed = context.for_only(tuple(member_ids))
    found: dict[int, list[Because]] = defaultdict(list)
    for part in _parts(rule):
        holds = compile_rule(part, narrowed)
        true_for = session.scalars(select(Member.id).where(one_of(Member.id, member_ids), holds)).all()
        rows = _rows_behind(session, part, narrowed, true_for)
        for member_id in true_for:
            found[member_id].append(Because(part, rows.get(member_id, [])))
    return found


def _parts(rule: Rule, *, negated: bool = False) -> Iterator[Rule]:
    """The conditions of a rule, each with the "not" that stands over it."""
    for key in ("all", "any"):
        for each in rule.get(key, []):
            yield from _parts(each, negated=negated)
    if "not" in rule:
        yield from _parts(rule["not"], negated=not negated)
    if "condition" in rule:
        yield {"not": rule} if negated else rule


def _rows_behind(
    session: Session, part: Rule, context: RuleContext, member_ids: Sequence[int]
) -> dict[int, list[dict[str, Any]]]:
    condition = conditions().get(part.get("condition", ""))
    if condition is None or condition.behind is None or not member_ids:
        return {}
    query = condition.behind(read_params(condition, part), context)
    if query is None:
        return {}
    rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for member_id, what, thing, at in session.execute(_newest(query, member_ids)):
        rows[member_id].append({"what": what, "object": thing, "at": at.isoformat() if at else None})
    return rows


def _newest(query: Select[Any], member_ids: Sequence[int]) -> Select[Any]:
    inner = query.subquery()
    ranked = (
        select(
            *inner.c,
            func.row_number().over(partition_by=inner.c.member_id, order_by=inner.c.at.desc()).label("rank"),
        )
        .where(one_of(inner.c.member_id, member_ids))
        .subquery()
    )
    columns = (ranked.c.member_id, ranked.c.what, ranked.c.object, ranked.c.at)
    return select(*columns).where(ranked.c.rank <= ROWS_EACH).order_by(ranked.c.at.desc())


def holds_for(session: Session, rule: Rule, member_id: int, context: RuleContext) -> bool:
    """Whether the rule holds for one person now."""
    narrowed = context.for_only((member_id,))
    return session.scalar(select(Member.id).where(Member.id == member_id, compile_rule(rule, narrowed))) is not None
