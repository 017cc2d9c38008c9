"""Points: what is left of what a person earned, by replay of their ledger (definitions §7).

A *lot* is what is left of one earning; a *debt* is a lot below 0. What is spent takes from the lot that ends
first; what a refund takes back takes first from what that order earned. What comes in fills debts first.
Pure and deterministic: lines are read in the order of their own time, so that the order in which they became
known does not matter. Of a line written as `expired` nothing is read: what runs out follows from the rest.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger as far as lots follow from it; `order` is the purchase it earned or took back for."""

    id: int
    points: int
    at: datetime
    usable_at: datetime
    expires_at: datetime | None = None
    order: int | None = None
    undoes: int | None = None  # of a spending taken back: the line that spent


@dataclass(slots=True)
class Lot:
    """What is left of an earning, or, below 0, of a debt; `expired` is what ran out of it."""

    entry: Entry
    remaining: int
    expired: int = 0

    @property
    def expires_at(self) -> datetime:
        return self.entry.expires_at or NEVER


@dataclass
class _Purse:
    lots: dict[int, Lot] = field(default_factory=dict)
    full: dict[int, Lot] = field(default_factory=dict)  # above 0
    debts: dict[int, Lot] = field(default_factory=dict)  # below 0
    of_order: dict[int, list[Lot]] = field(default_factory=lambda: defaultdict(list))
    taken: dict[int, list[tuple[Lot, int]]] = field(default_factory=lambda: defaultdict(list))

    def let_expire(self, before: datetime) -> None:
        for lot in [lot for lot in self.full.values() if lot.expires_at < before]:
            lot.expired += lot.remaining
            self._move(lot, -lot.remaining)

    def put_in(self, entry: Entry) -> None:
        self._open(entry, entry.points)
        if entry.order is not None:
            self.of_order[entry.order].append(self.lots[entry.id])
        self._fill_debts(entry.at)

    def take(self, entry: Entry) -> None:
        """The order's own lots first, even what of them ran out meanwhile; then the others, the soonest end first."""
        wanted = -entry.points
        for lot in self.of_order.get(entry.order or 0, []):
            wanted -= self._take_from(lot, wanted, entry)
            gone = min(wanted, lot.expired)
            lot.expired, wanted = lot.expired - gone, wanted - gone
        for lot in self._in_hand(entry.at):
            wanted -= self._take_from(lot, wanted, entry)
        if wanted:
            self.taken[entry.id].append((self._open(entry, -wanted), wanted))

    def give_back(self, entry: Entry) -> None:
        """A spending undone: each lot has again what was taken from it; a debt already filled leaves it over."""
        left = entry.points
        for lot, amount in self.taken.pop(entry.undoes or 0, []):
            amount = min(amount, left, -lot.remaining if lot.entry.points < 0 else amount)
            self._move(lot, amount)
            left -= amount
        if left:
            self._open(entry, left)
        self._fill_debts(entry.at)

    def _open(self, entry: Entry, remaining: int) -> Lot:
        lot = self.lots[entry.id] = Lot(entry, 0)
        self._move(lot, remaining)
        return lot

    def _move(self, lot: Lot, by: int) -> None:
        lot.remaining += by
        for kept, belongs in ((self.full, lot.remaining > 0), (self.debts, lot.remaining < 0)):
            if belongs:
                kept[lot.entry.id] = lot
            else:
                kept.pop(lot.entry.id, None)

    def _take_from(self, lot: Lot, wanted: int, entry: Entry) -> int:
        amount = min(wanted, max(lot.remaining, 0))
        if amount:
            self._move(lot, -amount)
            self.taken[entry.id].append((lot, amount))
        return amount

    def _in_hand(self, at: datetime) -> list[Lot]:
        """What can be used before what is still on its way, the soonest to end first."""
        return sorted(
            self.full.values(),
            key=lambda lot: (lot.entry.usable_at > at, lot.expires_at, lot.entry.at, lot.entry.id),
        )

    def _fill_debts(self, at: datetime) -> None:
        for debt in list(self.debts.values()):
            for lot in self._in_hand(at):
                amount = min(lot.remaining, -debt.remaining)
                self._move(lot, -amount)
                self._move(debt, amount)


def replay(entries: Iterable[Entry], *, now: datetime) -> list[Lot]:
    """Every lot and debt there ever was, as of `now`: what is left of each and how much of it ran out by then.

    The sum of what is left is the sum of the entries without what ran out.
    """
    purse = _Purse()
    for entry in sorted(entries, key=_turn):
        purse.let_expire(entry.at)
        if entry.undoes is not None:
            purse.give_back(entry)
        elif entry.points > 0:
            purse.put_in(entry)
        elif entry.points < 0:
            purse.take(entry)
    purse.let_expire(now)
    return list(purse.lots.values())


def _turn(entry: Entry) -> tuple[datetime, int, int]:
    """Of one moment, what comes in goes first, and what undoes a spending last."""
    return entry.at, 2 if entry.undoes is not None else int(entry.points < 0), entry.id


def kept(earned: int, *, gross: int, net: int) -> int:
    """What is left of an order's points when `net` of its `gross` amount was not paid back.

    Refunds take back in proportion, rounded up for the shop: what stays is rounded down.
    """
    if gross <= 0:
        return 0
    return earned * min(max(net, 0), gross) // gross
