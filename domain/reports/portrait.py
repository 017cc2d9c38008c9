"""What is usual for the people of a segment and not for others: traits counted among them and among everyone (M45).

A trait: a tag, a category bought in a year, a home store, a channel bought in, an age band, a gender, a tier, a way
of coming to us. All are counted in the database, each as one query of (kind, key, people).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, distinct, func, literal, select
from sqlalchemy.orm import Session

from domain.metrics._channels import is_online
from domain.metrics._intervals import FEW, Difference, newcombe, stricter
from domain.metrics._people import counts
from models.member import Member
from models.packing import People
from models.people_set import read_set
from models.programme import MemberTag, Tag, Tier
from models.purchase import Purchase, PurchaseLine
from models.store import Store

DAYS = 365
AGES = (20, 30, 40, 50, 60)
Counts = dict[tuple[str, str], int]


@dataclass(frozen=True)
class Trait:
    """A trait among the segment's people and among everybody else."""

    kind: str
    key: str
    who: int
    of: int
    others: int
    of_others: int

    @property
    def index(self) -> float:
        """Its share among them against its share among all members, times 100."""
        return 100 * (self.who / self.of) / ((self.who + self.others) / (self.of + self.of_others))

    def difference(self, comparisons: int) -> Difference:
        """Against everyone who is not in the segment, as strict as so many comparisons ask for."""
        return newcombe(self.who, self.of, self.others, self.of_others, stricter(comparisons))


def over_represented(traits: list[Trait]) -> list[Trait]:
    """Traits clearly more usual among them, the strongest first: intervals apart, ten people at least."""
    told = [
        each for each in traits if each.who >= FEW and each.of_others and each.difference(len(traits)).interval.low > 0
    ]
    return sorted(told, key=lambda each: (-each.index, each.kind, each.key))


def traits(session: Session, among: ColumnElement[bool], *, today: date, everyone: Counts | None = None) -> list[Trait]:
    """Every trait of the segment `among` (a condition on Member); `everyone` where it was counted before."""
    mine = counted(session, among, today=today)
    all_of_them = everyone if everyone is not None else counted(session, counts(), today=today)
    of, total = mine["", ""], all_of_them["", ""]
    return [
        Trait(kind, key, who, of, all_of_them.get((kind, key), who) - who, total - of)
        for (kind, key), who in mine.items()
        if kind and total > of
    ]


def counted(session: Session, among: ColumnElement[bool], *, today: date) -> Counts:
    """How many of those people have each trait; ("", "") is how many there are."""
    people = select(Member.id).where(counts(), among)
    found: Counts = {("", ""): session.scalar(select(func.count()).select_from(people.subquery())) or 0}
    for query in _queries(people, today):
        found.update({(kind, str(key)): int(n) for kind, key, n in session.execute(query) if key})
    return found


def people_with(session: Session, among: ColumnElement[bool], kind: str, key: str, *, today: date) -> People:
    """The segment's people with a trait, by the query it is counted with."""
    people = select(Member.id).where(counts(), among)
    for made, _, value, query in _traits(people, today):
        if made == kind:
            return read_set(session, query.where(value == key).with_only_columns(_id_of(kind)).distinct())
    return People()


def _queries(people: Select[Any], today: date) -> Iterator[Select[Any]]:
    for kind, member_id, value, query in _traits(people, today):
        each = query.with_only_columns(member_id.label("member_id"), value.label("key")).subquery("each")
        yield select(literal(kind), each.c.key, func.count(distinct(each.c.member_id))).group_by(each.c.key)


def _id_of(kind: str) -> Any:
    return {"tag": MemberTag.member_id, "category": Purchase.member_id, "channel": Purchase.member_id}.get(
        kind, Member.id
    )


def _traits(people: Select[Any], today: date) -> Iterator[tuple[str, Any, Any, Select[Any]]]:
    """(kind, column of people, column of keys, query) of each kind of trait."""
    recent = Purchase.day > today - timedelta(days=DAYS)
    member = select(Member.id).where(Member.id.in_(people))
    tags = select(MemberTag.id).join(Tag, Tag.id == MemberTag.tag_id)
    held = tags.where(MemberTag.removed_at.is_(None), Tag.archived_at.is_(None), Tag.kind != "system")
    orders = select(Purchase.id).where(Purchase.member_id.in_(people), Purchase.net_amount > 0, recent)
    lines = orders.join(PurchaseLine, PurchaseLine.purchase_id == Purchase.id).where(PurchaseLine.kind == "sale")
    yield "tag", MemberTag.member_id, Tag.key, held.where(MemberTag.member_id.in_(people))
    yield "category", Purchase.member_id, PurchaseLine.category, lines
    yield "channel", Purchase.member_id, case((is_online(), "online"), else_="store"), orders
    yield "store", Member.id, Store.key, member.join(Store, Store.id == Member.home_store_id)
    yield "tier", Member.id, Tier.key, member.join(Tier, Tier.id == Member.tier_id)
    yield "gender", Member.id, Member.gender, member
    yield "entry_source", Member.id, Member.entry_source, member
    yield "age", Member.id, _age_band(today), member.where(Member.birth_date.is_not(None))


def _age_band(today: date) -> ColumnElement[str]:
    """Under 20, 20, 30, …: told by who is born on or before a day."""
    bands = [(Member.birth_date <= _years_before(today, age), str(age)) for age in reversed(AGES)]
    return case(*bands, else_="0")


def _years_before(day: date, years: int) -> date:
    return date(day.year - years, day.month, min(day.day, 28))
