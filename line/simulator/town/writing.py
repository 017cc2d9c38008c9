"""Writes the town: the three import files, a dirty one to practise on, the phones and the staff."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from line.simulator.town.happenings import Happening
from line.simulator.town.people import Person
from line.simulator.town.personas import PERSONAS, is_known
from line.simulator.town.shopping import Order
from line.simulator.town.stories import Months

MEMBER_COLUMNS = (
    "member_ref", "line_user_id", "name", "phone", "email", "birth_date", "gender", "joined_at",
    "home_store", "language", "marketing_consent",
)  # fmt: skip
PURCHASE_COLUMNS = (
    "order_id", "line_no", "member_ref", "paid_at", "channel", "store", "sku", "product", "category",
    "quantity", "amount", "kind", "refund_of",
)  # fmt: skip
# Name, role, store, password: they exist only in the practice town.
STAFF = (
    ("mei", "owner", "", "camellia-owner"),
    ("jun", "marketer", "", "camellia-marketer"),
    ("an", "store", "daan", "camellia-daan"),
    ("lan", "store", "shennong", "camellia-tainan"),
    ("view", "viewer", "", "camellia-viewer"),
)
DIRTY = (
    "member_ref,line_user_id,name,phone,email,birth_date,gender,joined_at,home_store,language,marketing_consent",
    "D00001,,好的一行,0987-111-222,good@example.com,1990-05-31,female,2026-01-10T12:00:00,daan,zh-Hant,true",
    "D00002,,電話不對,12,,,,2026-01-10T12:00:00,daan,zh-Hant,true",
    "D00003,,生日不對,0987-111-224,,31.05.1990,,2026-01-10T12:00:00,daan,zh-Hant,",
    "D00004,,電話與第一行相同,0987-111-222,,,,2026-01-10T12:00:00,daan,zh-Hant,",
    "D00005,U12,LINE 代號不對,,,,,2026-01-10T12:00:00,daan,zh-Hant,",
    ",,誰都不是,,,,,2026-01-10T12:00:00,daan,zh-Hant,",
    "D00006,,同意寫法不對,0987-111-225,,,,2026-01-10T12:00:00,daan,zh-Hant,也許",
)


def write_members(folder: Path, people: Iterable[Person], months: Months) -> int:
    rows = [_member(person) for person in people if person.joined or person.followed]
    _write_csv(folder / "members.csv", MEMBER_COLUMNS, rows)
    (folder / "members_dirty.csv").write_text("\n".join(DIRTY) + "\n", encoding="utf-8")
    return len(rows)


def _member(person: Person) -> tuple[Any, ...]:
    is_member = person.joined is not None
    consent = "" if person.consent is None else str(person.consent or person.refused is not None).lower()
    return (
        person.ref, person.user_id, person.name, person.phone, person.email, person.birth or "",
        person.gender if is_member else "", person.joined.isoformat() if person.joined else "",
        person.store if is_member else "", person.language, consent,
    )  # fmt: skip


def write_purchases(folder: Path, orders: Iterable[Order]) -> int:
    rows = [row for order in orders for row in _lines(order)]
    _write_csv(folder / "purchases.csv", PURCHASE_COLUMNS, rows)
    return len(rows)


def _lines(order: Order) -> Iterable[tuple[Any, ...]]:
    kind = "refund" if order.refund_of else "sale"
    for number, bought in enumerate(order.goods, 1):
        product = bought.product
        yield (
            order.ref, number, order.buyer, order.at.isoformat(), "store" if order.store else "online", order.store,
            product.sku, product.name, product.category, bought.quantity, bought.quantity * product.price,
            kind, order.refund_of,
        )  # fmt: skip


def write_events(folder: Path, happenings: Iterable[Happening]) -> int:
    """In order of time, as they would have been written down."""
    count = 0
    with (folder / "events.jsonl").open("w", encoding="utf-8") as file:
        for happening in sorted(happenings, key=lambda each: (each.at, each.who, each.kind)):
            file.write(json.dumps(happening.as_line(), ensure_ascii=False, separators=(",", ":")) + "\n")
            count += 1
    return count


def write_users(folder: Path, people: Sequence[Person], months: Months) -> int:
    """The phones: the personas first, then everyone else who has LINE."""
    chosen = [person for person in people if person.user_id]
    with (folder / "users.jsonl").open("w", encoding="utf-8") as file:
        for person in chosen:
            file.write(json.dumps(_user(person, months), ensure_ascii=False) + "\n")
    return len(chosen)


def _user(person: Person, months: Months) -> dict[str, Any]:
    following = person.is_reachable(months.end)
    state = "friend" if following else "blocked" if person.blocked else "stranger"
    row = {"user_id": person.user_id, "name": person.name, "language": person.language, "following": following}
    return row | {"state": state, "member_ref": person.ref if is_known(person) else None, "note": person.note or None}


def write_staff(folder: Path) -> None:
    """One line each, columns two blanks apart: `flask demo-fill` reads it, people read it too."""
    lines = [f"{login:6}  {role:9}  {store:9}  {password}" for login, role, store, password in STAFF]
    (folder / "staff.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_guide(folder: Path) -> None:
    """Who the people at the top of the phones' list are."""
    lines = [f"{persona.name}: {persona.note}" for persona in PERSONAS]
    (folder / "people.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
