"""Who a reference means: member_ref, LINE user id, phone, e-mail or card number, for many at once.

Only verified identities find a person (design §8). Shops' own numbers are identities of kind `shop`.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.operations import resolving
from domain.operations.befriending import new_ref
from models.card import is_card_number, new_card_number
from models.channel import the_channel
from models.member import Friend, Identity, Member
from models.programme import the_brand
from models.rows import among, insert_many
from models.session import insert_for

LINE_USER_ID = re.compile(r"U[0-9a-f]{32}")
CARD_NUMBER = re.compile(r"\d{8,19}")
# Taiwan's e-invoices: what a buyer shows at the till, and the number of one invoice.
CARRIER = re.compile(r"/[0-9A-Z.+\-]{7}")
INVOICE = re.compile(r"[A-Z]{2}\d{8}")
INVOICE_SIGNS = 10
PHONE_NUMBER = re.compile(r"\+?[\d０-９]{8,15}")
REGIONS = {"Asia/Taipei": "TW", "Asia/Tokyo": "JP", "Asia/Bangkok": "TH", "Europe/London": "GB"}
Item = TypeVar("Item")
# What databases take in one IN list, well under SQLite's limit of variables.
CHUNK = 10_000


def region_of(session: Session) -> str:
    """The country whose phone numbers may be written without a country code."""
    return REGIONS.get(the_brand(session).business_timezone, "TW")


@lru_cache(maxsize=20_000)
def normal_phone(text: str, region: str) -> str:
    """E.164. Raises ValueError for what cannot be a phone number."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        raise ValueError(f"not a phone number: {text!r}") from None
    if not phonenumbers.is_possible_number(number):
        raise ValueError(f"not a phone number: {text!r}")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal_email(text: str) -> str:
    """Lower case, checked for its form only. Raises ValueError for what cannot be an address."""
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise ValueError(f"not an e-mail address: {text!r}") from None


def normal_ref(text: str, region: str) -> str:
    """The form a reference is kept in while nobody is known by it, so that it is found later."""
    return candidates(text, region)[-1][1] if text else text


def candidates(ref: str, region: str) -> list[tuple[str, str]]:
    """What a reference may be, likeliest first; the last is the form it is kept in."""
    found = [("shop", ref)]
    if LINE_USER_ID.fullmatch(ref):
        return [*found, ("line", ref)]
    if "@" in ref:
        return [*found, *_valid("email", ref, region)]
    if CARRIER.fullmatch(ref.upper()):
        return [*found, ("carrier", ref.upper())]
    digits = re.sub(r"[\s\-()]", "", ref)
    if INVOICE.fullmatch(digits.upper()):
        return [*found, ("invoice", digits.upper())]
    if CARD_NUMBER.fullmatch(digits):
        found.append(("card", digits))
    if PHONE_NUMBER.fullmatch(digits):
        found += _valid("phone", ref, region)
    return found


def invoice_number(text: str) -> str | None:
    """The number of an e-invoice as it is kept, such as AB12345678; None for what is none."""
    number = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()
    return number if INVOICE.fullmatch(number) else None


def _valid(kind: str, ref: str, region: str) -> Iterator[tuple[str, str]]:
    try:
        yield kind, normal_phone(ref, region) if kind == "phone" else normal_email(ref)
    except ValueError:
        return


def find_members(session: Session, refs: Iterable[str]) -> dict[str, int]:
    """The person behind each reference that names one; a merged record answers with the kept one."""
    found = find_records(session, refs)
    kept = resolving.roots(session, set(found.values()))
    return {ref: kept[record_id] for ref, record_id in found.items()}


def find_records(session: Session, refs: Iterable[str]) -> dict[str, int]:
    """The record each reference is an identity of, were it joined into another or not."""
    wanted = sorted({ref for ref in refs if ref})
    found = _by_own_ref(session, wanted)
    region = region_of(session)
    meanings = {ref: candidates(ref, region) for ref in wanted if ref not in found}
    named_by = {each for several in meanings.values() for each in several}
    known = _printed_numbers(session, named_by) | identities(session, named_by)
    for ref, several in meanings.items():
        named = next((known[each] for each in several if each in known), None)
        if named is not None:
            found[ref] = named
    return found


def _by_own_ref(session: Session, refs: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in chunks(refs):
        query = select(Member.ref, Member.id).where(among(session, Member.ref, part))
        found.update(dict(session.execute(query).all()))
    return found


def identities(session: Session, named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The owners of verified identities, by kind and value."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, value in named:
        by_kind[kind].append(value)
    found: dict[tuple[str, str], int] = {}
    for kind, values in by_kind.items():
        for part in chunks(sorted(values)):
            query = select(Identity.value, Identity.member_id).where(
                Identity.kind == kind, among(session, Identity.value, part), Identity.verified_at.is_not(None)
            )
            found.update({(kind, value): member_id for value, member_id in session.execute(query)})
    return found


def shop_refs(session: Session, member_ids: Iterable[int]) -> dict[int, set[str]]:
    """By which of shops' own numbers these people are known."""
    found: dict[int, set[str]] = defaultdict(set)
    for part in chunks(sorted(member_ids)):
        query = select(Identity.member_id, Identity.value).where(
            Identity.kind == "shop", among(session, Identity.member_id, part)
        )
        for member_id, value in session.execute(query):
            found[member_id].add(value)
    return found


def line_ids(session: Session, member_ids: Iterable[int]) -> dict[int, str]:
    """The LINE user ids of these people."""
    found: dict[int, str] = {}
    for part in chunks(sorted(member_ids)):
        query = select(Friend.member_id, Friend.user_id).where(among(session, Friend.member_id, part))
        found.update(dict(session.execute(query).all()))
    return found


def _printed_numbers(session: Session, named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The owners of our own cards. Who was forgotten has none."""
    numbers = sorted({value for kind, value in named if kind == "card" and is_card_number(value)})
    found: dict[tuple[str, str], int] = {}
    for part in chunks(numbers):
        query = select(Member.card_number, Member.id).where(
            among(session, Member.card_number, part), Member.erased_at.is_(None)
        )
        found.update({("card", number): member_id for number, member_id in session.execute(query)})
    return found


def meet_friends(session: Session, refs: Iterable[str], *, now: datetime) -> dict[str, int]:
    """Makes people of LINE user ids seen for the first time; returns who they are."""
    fresh = sorted({ref for ref in refs if LINE_USER_ID.fullmatch(ref)})
    if not fresh:
        return {}
    made = dict(zip(fresh, make_people(session, [new_ref() for _ in fresh], now=now), strict=True))
    insert, channel = insert_for(session), the_channel(session)
    session.execute(
        insert(Friend).on_conflict_do_nothing(),
        [{"channel_id": channel.id, "member_id": made[ref], "user_id": ref} for ref in fresh],
    )
    session.execute(
        insert(Identity).on_conflict_do_nothing(),
        [_identity(made[ref], "line", ref, source="import", now=now) for ref in fresh],
    )
    return made


def make_people(session: Session, refs: list[str], *, entry_source: str | None = None, now: datetime) -> list[int]:
    """New people with these references, in bulk; their ids in the same order."""
    if not refs:
        return []
    common = {"created_at": now, "entry_source": entry_source}
    insert_many(
        session, Member, [{"ref": ref, "card_number": new_card_number(), **common} for ref in refs], once=["ref"]
    )
    ids = _by_own_ref(session, refs)
    return [ids[ref] for ref in refs]


def _identity(member_id: int, kind: str, value: str, *, source: str, now: datetime) -> dict[str, object]:
    return {
        "member_id": member_id, "kind": kind, "value": value, "source": source,
        "created_at": now, "verified_at": now,
    }  # fmt: skip


def claim_identities(session: Session, named: Sequence[tuple[int, str, str]], *, source: str, now: datetime) -> None:
    """Writes (member, kind, value) as verified identities, unless they are known already."""
    rows = [_identity(member_id, kind, value, source=source, now=now) for member_id, kind, value in named]
    if rows:
        _verify_claimed(session, {(m, kind, value) for m, kind, value in named}, now=now)
        session.execute(insert_for(session)(Identity).on_conflict_do_nothing(), rows)


def _verify_claimed(session: Session, named: set[tuple[int, str, str]], *, now: datetime) -> None:
    """What these people had only claimed is verified now."""
    query = select(Identity.id, Identity.member_id, Identity.kind, Identity.value).where(
        among(session, Identity.member_id, {member_id for member_id, _, _ in named}), Identity.verified_at.is_(None)
    )
    claimed = [id for id, *name in session.execute(query) if tuple(name) in named]
    if claimed:
        session.execute(
            update(Identity).where(among(session, Identity.id, claimed)).values(verified_at=now),
            execution_options={"synchronize_session": False},
        )


def chunks(items: list[Item], size: int = CHUNK) -> Iterator[list[Item]]:
    """`items` in pieces that fit one statement."""
    for at in range(0, len(items), size):
        yield items[at : at + size]
