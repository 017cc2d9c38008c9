"""Who moved between two month ends: a matrix from the snapshots, whose rows add up to the old counts (feature L7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.scores.churn import ALL_BANDS, NEVER
from domain.scores.napl import STATES, STATES_BY_PURCHASES
from domain.scores.rfm import GROUPS
from models.packing import People, unpack_layers
from models.programme import Tier
from models.score import Snapshot

# Values from far to near: to the right of a value is nearer to us. Tiers have their own order.
ORDER = {
    "rfm": ("none", "asleep", "at_risk", "attention", "new", "promising", "loyal", "vip"),
    "napl": ("P", "N", "A", "L"),
    "napl_purchases": ("never", "L", "P", "N", "A"),
}
NOWHERE = "-"  # was not known yet, or is no longer


@dataclass(frozen=True)
class Movement:
    """Where everyone stood at two month ends, by value. A dimension kept in two ways has the order of its first."""

    values: tuple[str, ...]
    old: dict[str, People]
    new: dict[str, People]

    @cached_property
    def before(self) -> People:
        return People.union(People(), *self.old.values())

    @cached_property
    def after(self) -> People:
        return People.union(People(), *self.new.values())

    def side(self, people: dict[str, People], value: str, others: People) -> People:
        """Everyone of a value; of NOWHERE those who are only on the other side."""
        return others if value == NOWHERE else people.get(value, People())

    def cell(self, start: str, end: str) -> People:
        """Who stood at `start` then and stands at `end` now."""
        old = self.side(self.old, start, self.after - self.before)
        new = self.side(self.new, end, self.before - self.after)
        return old & new

    def counts(self) -> dict[str, dict[str, int]]:
        """{old value: {new value: people}}, NOWHERE included; each row adds up to the old count."""
        rows = (*self.values, NOWHERE)
        table = {start: {end: len(self.cell(start, end)) for end in rows} for start in rows}
        table[NOWHERE][NOWHERE] = 0
        return table

    def moved(self, way: int) -> People:
        """Who came nearer (1) or drifted away (-1)."""
        pairs = [(a, b) for i, a in enumerate(self.values) for j, b in enumerate(self.values) if (j - i) * way > 0]
        return People.union(People(), *(self.cell(a, b) for a, b in pairs))


def order_of(session: Session, dimension: str) -> tuple[str, ...]:
    """The dimension's values, from far to near."""
    if dimension == "tier":
        return tuple(session.scalars(select(Tier.key).order_by(Tier.rank)))
    return ORDER.get(dimension, ORDER["rfm"])


def movement(session: Session, dimension: str, old: str, new: str) -> Movement:
    """Between the ends of two months (YYYY-MM). Values nobody has an order for come last."""
    sides = {month: _stood(session, dimension, month) for month in (old, new)}
    stood = {*sides[old], *sides[new]}
    gone = _archived(session) - stood if dimension == "tier" else set()
    order = [value for value in order_of(session, dimension) if value not in gone]
    strangers: Sequence[str] = sorted(stood - set(order))
    return Movement((*order, *strangers), sides[old], sides[new])


def _archived(session: Session) -> set[str]:
    """Tiers that are listed only where somebody still stands, or stood, on them."""
    return set(session.scalars(select(Tier.key).where(Tier.archived_at.is_not(None))))


def _stood(session: Session, dimension: str, month: str) -> dict[str, People]:
    rows = select(Snapshot.value, Snapshot.ids).where(Snapshot.dimension == dimension, Snapshot.month == month)
    return {value: unpack_layers(ids)[0] if ids else People() for value, ids in session.execute(rows)}


def months_kept(session: Session, dimension: str) -> list[str]:
    """Months whose end is kept, newest first."""
    query = select(Snapshot.month).where(Snapshot.dimension == dimension).distinct().order_by(Snapshot.month.desc())
    return list(session.scalars(query))


def dimensions_kept(session: Session) -> list[str]:
    """Of which dimensions month ends are kept, other than tags."""
    return sorted(set(session.scalars(select(Snapshot.dimension).distinct())) - {"tagged"})


WORDS = {"rfm": GROUPS, "napl": STATES, "napl_purchases": {**STATES_BY_PURCHASES, NEVER: ALL_BANDS[NEVER]}}
