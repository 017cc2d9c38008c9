"""What is bought together: pairs of products (or categories) in one order, with support, confidence and lift.

A basket is the distinct goods of one qualified order of the last 365 days; shipping, bags and what else the
programme calls no goods are left out. Counted in the database: items bought fewer than ten times go first, so that
what is joined stays small however many lines there are (definitions §10).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, distinct, func, select
from sqlalchemy.orm import Session, aliased

from domain.metrics._goods import is_goods
from domain.metrics._intervals import wilson
from domain.metrics._people import counts, of_the_public
from models.member import Member
from models.programme import the_brand
from models.purchase import Purchase, PurchaseLine

DAYS = 365
LEAST_TOGETHER = 10
LEAST_BASKETS = 200
MOST_KEPT = 500
LEVELS = ("product", "category")


@dataclass(frozen=True)
class Pair:
    """Who buys `first` buys `second` too, in so many of `n` baskets. Counts are whole; shares are made of them."""

    first: str
    second: str
    n: int
    with_first: int
    with_second: int
    together: int

    @property
    def support(self) -> float:
        return self.together / self.n

    @property
    def confidence(self) -> float:
        return self.together / self.with_first

    @property
    def lift(self) -> float:
        return self.together * self.n / (self.with_first * self.with_second)

    @property
    def low(self) -> float:
        """The lower end of Wilson's interval of the confidence."""
        return wilson(self.together, self.with_first).low

    @property
    def strength(self) -> float:
        """By how much even the lower end exceeds how often `second` is bought anyway: what pairs are sorted by."""
        return self.low / (self.with_second / self.n)

    @property
    def is_lifted(self) -> bool:
        """Lift over 1, told in whole numbers: a fraction may fall on the wrong side."""
        return self.together * self.n > self.with_first * self.with_second

    @property
    def is_shown(self) -> bool:
        enough = self.together >= LEAST_TOGETHER and self.n >= LEAST_BASKETS
        return enough and self.is_lifted and self.strength > 1

    def is_at_least(self, percent: int) -> bool:
        """Whether the confidence reaches so many percent, in whole numbers."""
        return self.together * 100 >= self.with_first * percent

    def turned(self) -> "Pair":
        """The same pair in the other direction."""
        return Pair(self.second, self.first, self.n, self.with_second, self.with_first, self.together)


@dataclass(frozen=True)
class Baskets:
    """All pairs worth showing, strongest first; of how many baskets, and what each item is called."""

    n: int
    pairs: list[Pair]
    names: dict[str, str]


def baskets(session: Session, level: str, *, until: date) -> Baskets:
    """Counts the pairs of the 365 days that end with `until`."""
    items = _items(session, level, until)
    n = session.scalar(select(func.count(distinct(items.subquery().c.purchase_id)))) or 0
    counts = _singles(session, items)
    pairs = [each for pair in _pairs(session, items, n, counts) for each in (pair, pair.turned()) if each.is_shown]
    best = sorted(pairs, key=lambda pair: (-pair.strength, pair.first, pair.second))[:MOST_KEPT]
    return Baskets(n, best, _names(session, level, {each.first for each in best}))


def bought_together(session: Session, level: str, first: str, second: str, *, until: date, also: bool) -> Select[Any]:
    """Ids of members with both in one order; without `also`, who bought the first and never the second with it."""
    one, other = aliased(PurchaseLine), aliased(PurchaseLine)
    orders = _window(until)
    withs = (
        select(Purchase.member_id)
        .join(one, one.purchase_id == Purchase.id)
        .join(other, and_(other.purchase_id == Purchase.id, _item(level, other) == second, other.kind == "sale"))
        .join(Member, Member.id == Purchase.member_id)
        .where(orders, counts(), _item(level, one) == first, one.kind == "sale")
    )
    if also:
        return withs.distinct()
    alone = (
        select(Purchase.member_id)
        .join(one, one.purchase_id == Purchase.id)
        .join(Member, Member.id == Purchase.member_id)
        .where(orders, counts(), _item(level, one) == first, one.kind == "sale")
    )
    return alone.where(Purchase.member_id.not_in(withs)).distinct()


def _window(until: date) -> ColumnElement[bool]:
    return and_(Purchase.net_amount > 0, of_the_public(), Purchase.day.between(until - timedelta(days=DAYS - 1), until))


def _item(level: str, line: Any) -> Any:
    return line.category if level == "category" else line.sku


def _items(session: Session, level: str, until: date) -> Select[Any]:
    """(purchase_id, item), each once an order."""
    item = _item(level, PurchaseLine)
    return (
        select(PurchaseLine.purchase_id.label("purchase_id"), item.label("item"))
        .join(Purchase, Purchase.id == PurchaseLine.purchase_id)
        .where(_window(until), PurchaseLine.kind == "sale", item != "", is_goods(the_brand(session).shelf))
        .distinct()
    )


def _singles(session: Session, items: Select[Any]) -> dict[str, int]:
    """In how many baskets each item is, of those that are in enough for a pair."""
    each = items.subquery("items")
    query = select(each.c.item, func.count()).group_by(each.c.item).having(func.count() >= LEAST_TOGETHER)
    return {row[0]: int(row[1]) for row in session.execute(query)}


def _pairs(session: Session, items: Select[Any], n: int, counts: dict[str, int]) -> Iterator[Pair]:
    """Pairs that occur often enough, in one direction."""
    each = items.cte("items")
    often = select(each.c.item).group_by(each.c.item).having(func.count() >= LEAST_TOGETHER)
    kept = select(each.c.purchase_id, each.c.item).where(each.c.item.in_(often)).cte("kept")
    one, other = kept.alias("one"), kept.alias("other")
    query = (
        select(one.c.item, other.c.item, func.count())
        .join(other, and_(other.c.purchase_id == one.c.purchase_id, other.c.item > one.c.item))
        .group_by(one.c.item, other.c.item)
        .having(func.count() >= LEAST_TOGETHER)
    )
    for first, second, together in session.execute(query):
        yield Pair(first, second, n, counts[first], counts[second], int(together))


def _names(session: Session, level: str, items: Sequence[str] | set[str]) -> dict[str, str]:
    if level == "category":
        return {item: item for item in items}
    query = select(PurchaseLine.sku, func.max(PurchaseLine.product)).where(PurchaseLine.sku.in_(list(items)))
    return {sku: name or sku for sku, name in session.execute(query.group_by(PurchaseLine.sku))}
