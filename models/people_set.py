"""Sets of people, kept to count by. The rows they were read from stay the truth; a set can always be made again."""

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pyroaring import BitMap
from sqlalchemy import ColumnElement, Integer, LargeBinary, Select, cast, func, literal, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from models.base import Base, Json, Short, UtcDateTime
from models.event import Event
from models.member import Member
from models.packing import People
from models.programme import MemberTag
from models.purchase import Purchase

READ_AT_ONCE = 50_000
GROWING = (Member, MemberTag, Event, Purchase)
# An INSERT takes this lock of its table before it takes an id, and its transaction keeps it to the end.
NOBODY_WRITES = text(
    "SELECT NOT EXISTS (SELECT FROM pg_locks WHERE mode = 'RowExclusiveLock' AND locktype = 'relation' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND relation IN ("
    + ", ".join(f"'{table.__tablename__}'::regclass" for table in GROWING)
    + "))"
)
EVERYONE = "members"  # the key of everyone's set
_TAG = "tag:"


class PeopleSet(Base):
    """Everyone, or everyone with one tag, as they were at `as_of`. `marks`: rows up to these are surely in it."""

    __tablename__ = "people_set"

    key: Mapped[Short] = mapped_column(primary_key=True)
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
    marks: Mapped[dict[str, Any]] = mapped_column(Json)
    ids: Mapped[bytes] = mapped_column(LargeBinary)


def key_of_tag(tag_id: int) -> str:
    """The key of a tag's set."""
    return f"{_TAG}{tag_id}"


def tag_of_key(key: str) -> int:
    return int(key.removeprefix(_TAG))


@dataclass(frozen=True)
class Marks:
    """How far the tables that only grow had grown: the last id of each.

    `is_settled`: nobody was writing just after that moment, so that no lower id can appear later.
    """

    member: int = 0
    member_tag: int = 0
    event: int = 0
    purchase: int = 0
    is_settled: bool = False

    def less(self, slack: int) -> "Marks":
        """Up to where rows are surely seen: where somebody was writing, lower ids may yet appear."""
        if self.is_settled:
            return self
        member, member_tag, event, purchase = (max(0, last - slack) for last in self.plain().values())
        return Marks(member, member_tag, event, purchase)

    def plain(self) -> dict[str, int]:
        return {
            "member": self.member, "member_tag": self.member_tag, "event": self.event, "purchase": self.purchase,
        }  # fmt: skip


def marks_now(session: Session) -> Marks:
    """How far the tables reach. Of settled marks, whatever is read after this call sees every row up to them."""
    last = [select(func.coalesce(func.max(table.id), 0)).scalar_subquery() for table in GROWING]
    found = session.execute(select(*last)).one()
    return Marks(found[0], found[1], found[2], found[3], is_settled=_nobody_writes(session))


def _nobody_writes(session: Session) -> bool:
    """Asked after the last ids: whoever holds a lower id that cannot be seen yet took it with this lock, and has it.

    A snapshot would not do: it does not know of a transaction that has an id of a row but none of its own.
    SQLite has one writer, and its ids appear in order.
    """
    return session.get_bind().dialect.name != "postgresql" or bool(session.scalar(NOBODY_WRITES))


def read_set(session: Session, ids: Select[int]) -> People:
    """The ids a query selects, as a set."""
    if session.get_bind().dialect.name == "postgresql":
        return People(_packed_by_postgres(session, ids))
    found = BitMap()
    for some in session.scalars(ids).partitions(READ_AT_ONCE):
        found.update(some)
    return People(found)


def _packed_by_postgres(session: Session, ids: Select[int]) -> "array[int]":
    """One value of four bytes per id: a million rows would cost a second to read one by one."""
    one = ids.subquery("ids")
    return four_bytes_each(session.scalar(select(_together(one.c[0]))))


def grouped_ids(
    session: Session, kinds: Sequence[ColumnElement[Any]], member_id: ColumnElement[int]
) -> Iterator[tuple[Any, ...]]:
    """The member ids of a query's rows by their kind, each as often as there are rows: (*kind, ids)."""
    if session.get_bind().dialect.name == "postgresql":
        for *kind, packed in session.execute(select(*kinds, _together(member_id)).group_by(*kinds)):
            yield *kind, four_bytes_each(packed)
        return
    found: dict[str, tuple[list[Any], array[int]]] = {}
    query = select(member_id, *kinds).execution_options(yield_per=READ_AT_ONCE)
    for each, *kind in session.execute(query):
        key = repr(kind)  # a kind may hold a list
        if key not in found:
            found[key] = kind, array("I")
        found[key][1].append(each)
    yield from ((*kind, ids) for kind, ids in found.values())


def _together(member_id: ColumnElement[int]) -> ColumnElement[bytes]:
    # An id past 32 bits is an error here, never another person.
    one = func.int4send(cast(member_id, Integer))
    return func.string_agg(one, literal(b"", LargeBinary), type_=LargeBinary)


def four_bytes_each(packed: bytes | None) -> "array[int]":
    """The numbers of a value that PostgreSQL put together with int4send."""
    numbers = array("I")
    numbers.frombytes(bytes(packed or b""))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers
