"""Order lines from files and shops' systems: who bought, in which store, then recorded as orders."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.operations import linking_buyers, naming, purchasing, resolving
from domain.operations.purchasing import Line, Order, Outcome
from domain.operations.recording import is_news, note_history
from domain.operations.replaying import Changed
from models.member import Member
from models.purchase import Purchase
from models.session import insert_for
from models.store import Store


@dataclass(frozen=True, slots=True)
class PurchaseRow:
    """One order line as its source wrote it: people and stores still by the source's names."""

    order_ref: str
    member_ref: str
    paid_at: datetime
    channel: str
    store: str
    line: Line

    def named_by(self) -> list[str]:
        """What may say who bought: the buyer's reference; and an e-invoice's number, which a member may register."""
        is_invoice = len(self.order_ref) == naming.INVOICE_SIGNS and naming.INVOICE.fullmatch(self.order_ref)
        return [self.member_ref, self.order_ref] if is_invoice else [self.member_ref]

    def whose(self, people: Mapping[str, int]) -> int | None:
        """Who bought, among these people by what names them."""
        known = people.get(self.member_ref)  # of nearly every line
        return known if known is not None else next((people[ref] for ref in self.named_by() if ref in people), None)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of each row, and whose figures it may have moved."""

    outcomes: list[Outcome]
    member_ids: set[int]
    changed: Changed = field(default_factory=Changed)  # states to replay when all is loaded


def import_purchases(
    session: Session,
    rows: Sequence[PurchaseRow],
    *,
    source: str,
    register_buyers: bool = False,
    is_history: bool = False,
    now: datetime,
) -> Loaded:
    """Records the lines; buyers nobody knows yet stay named by their reference until they are known.

    With `register_buyers`, the source's customer numbers are members from their first order on.
    `is_history`: from a file, so that it starts nothing.
    The caller settles the tiers of `member_ids` when all is loaded.
    """
    records = naming.find_records(session, {ref for row in rows for ref in row.named_by()})
    unknown = {row.member_ref for row in rows if row.member_ref and row.member_ref not in records}
    records |= naming.meet_friends(session, unknown, now=now)
    if register_buyers:
        records |= _make_buyers(session, sorted(unknown - records.keys()), source=source, now=now)
    linking_buyers.link_buyers(session, records, now=now)
    kept = resolving.roots(session, set(records.values()))
    people = {ref: kept[record_id] for ref, record_id in records.items()}
    stores = stores_by_key(session, {row.store for row in rows})
    region = naming.region_of(session)
    items = [(_order(row, records, stores, region), row.line) for row in rows]
    recorded = purchasing.record_lines(session, items, source=source, is_history=is_history, now=now)
    met = _met_meanwhile(session, rows, records, now=now)
    if register_buyers:
        _register_from_first_order(session, set(people.values()), source=source)
    named = {member_id for row in rows if (member_id := row.whose(people)) is not None}
    late = {
        member_id
        for row, outcome in zip(rows, recorded.outcomes, strict=True)
        if outcome == "accepted" and (member_id := row.whose(people)) is not None
        if is_history or not is_news(row.paid_at, now=now)
    }
    note_history(session, late, now=now)
    return Loaded(recorded.outcomes, named | recorded.member_ids | met)


def _met_meanwhile(
    session: Session, rows: Sequence[PurchaseRow], records: Mapping[str, int], *, now: datetime
) -> set[int]:
    """Buyers who became known between our looking and our turn to record: they are given their orders now."""
    unknown = {ref for row in rows if row.whose(records) is None for ref in row.named_by()} - {""}
    found = naming.find_records(session, unknown) if unknown else {}
    linking_buyers.link_buyers(session, found, now=now)
    return set(resolving.roots(session, set(found.values())).values())


def _order(row: PurchaseRow, people: Mapping[str, int], stores: Mapping[str, int], region: str) -> Order:
    member_id = row.whose(people)
    unknown = member_id is None and row.member_ref
    return Order(
        row.order_ref,
        row.paid_at,
        member_id,
        naming.normal_ref(row.member_ref, region) if unknown else None,
        row.channel,
        stores.get(row.store),
    )


def _make_buyers(session: Session, refs: list[str], *, source: str, now: datetime) -> dict[str, int]:
    made = dict(zip(refs, naming.make_people(session, refs, entry_source=source, now=now), strict=True))
    naming.claim_identities(
        session, [(member_id, "shop", ref) for ref, member_id in made.items()], source=source, now=now
    )
    return made


def _register_from_first_order(session: Session, member_ids: set[int], *, source: str) -> None:
    """People this source brought joined when they first bought; an earlier order found later says so too."""
    first = (
        select(Purchase.paid_at)
        .where(Purchase.member_id == Member.id)
        .order_by(Purchase.paid_at)
        .limit(1)
        .scalar_subquery()
    )
    session.execute(
        update(Member).where(Member.id.in_(member_ids), Member.entry_source == source).values(registered_at=first),
        execution_options={"synchronize_session": False},
    )


def stores_by_key(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """The stores of these keys. One nobody has heard of is made, under its key, for someone to name later."""
    wanted = sorted({key for key in keys if key})
    if not wanted:
        return {}
    query = select(Store.key, Store.id).where(Store.key.in_(wanted))
    found = dict(session.execute(query).all())
    missing = [key for key in wanted if key not in found]
    if missing:
        session.execute(
            insert_for(session)(Store).on_conflict_do_nothing(index_elements=["key"]),
            [{"key": key, "name": key} for key in missing],
        )
        found = dict(session.execute(query).all())
    return found
