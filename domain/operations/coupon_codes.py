"""Codes made elsewhere (a partner's, a shop system's) come into a coupon's pool: read, looked at, added once."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.operations.auditing import audit
from domain.wording import mark
from models.benefit import Coupon, CouponCode
from models.session import insert_for

LONGEST = 64  # what a barcode and a till's keyboard can still carry
MOST = 200_000
HEADINGS = {"code", "codes", "coupon", "coupon_code", "serial", "序號", "代碼", "コード", "รหัส"}
BATCH = 1000
# What a spreadsheet makes of a long number: the last digits are lost, so it is no code any more.
SPOILT = re.compile(r"\d([.,]\d+)?E\+\d+", re.IGNORECASE)
CODE = re.compile(r"[^\s\x00-\x1f\x7f]+( [^\s\x00-\x1f\x7f]+)*")


@dataclass
class Read:
    """What a file holds: codes in its order, those that stand twice in it, and lines that are no code."""

    codes: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    wrong: list[tuple[int, str]] = field(default_factory=list)  # line and what stands there


@dataclass(frozen=True)
class Preview:
    """What adding the codes would do; nothing is written yet."""

    fresh: list[str]
    known: list[str]
    twice: list[str]
    wrong: list[tuple[int, str]]


@dataclass(frozen=True)
class Pool:
    """How a coupon's codes stand."""

    free: int
    taken: int
    burnt: int


def read(data: bytes) -> Read:
    """The codes of a CSV or text file: its column `code`, else its first. Raises Invalid for what is neither.

    What Excel adds to keep a number whole (`="00123"`, a leading apostrophe) is taken off again.
    """
    rows = list(csv.reader(io.StringIO(_text(data))))
    first = [cell.strip().lower() for cell in rows[0]] if rows else []
    column = next((n for n, cell in enumerate(first) if cell in HEADINGS), None)
    found, seen = Read(), set[str]()
    for line, row in enumerate(rows if column is None else rows[1:], 1 if column is None else 2):
        code = _plain(row[column or 0]) if len(row) > (column or 0) else ""
        if not code:
            continue
        if len(code) > LONGEST or not CODE.fullmatch(code) or SPOILT.fullmatch(code):
            found.wrong.append((line, code[:LONGEST]))
        elif code in seen:
            found.twice.append(code)
        else:
            seen.add(code)
            found.codes.append(code)
    if len(found.codes) > MOST:
        raise Invalid(
            mark("No code was added: the file has more than %(most)s. Split it and add each part."), most=MOST
        )
    return found


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid(
            mark("No code was added: the file is not text in UTF-8. Save it as “CSV UTF-8” and choose it again.")
        ) from None


def _plain(cell: str) -> str:
    cell = cell.strip()
    quoted = re.fullmatch(r'="?(.*?)"?', cell)
    return (quoted[1] if quoted else cell.removeprefix("'")).strip()


def preview(session: Session, coupon: Coupon, found: Read) -> Preview:
    """Which of the codes are new to this coupon; those it has, used or not, are known."""
    known: set[str] = set()
    for some in _pieces(found.codes):
        mine = select(CouponCode.code).where(CouponCode.coupon_id == coupon.id, CouponCode.code.in_(some))
        known.update(session.scalars(mine))
    fresh = [code for code in found.codes if code not in known]
    return Preview(fresh, sorted(known), found.twice, found.wrong)


def add(session: Session, coupon: Coupon, codes: Sequence[str], *, staff_id: int | None, now: datetime) -> int:
    """Puts the codes into the pool; from now on each claim takes one. Those it has already are passed over.

    Returns how many were new.
    """
    added = 0
    insert = insert_for(session)(CouponCode).on_conflict_do_nothing(index_elements=["coupon_id", "code"])
    for some in _pieces(codes):
        rows = [{"coupon_id": coupon.id, "code": code, "imported_at": now} for code in some]
        added += len(session.execute(insert.returning(CouponCode.id), rows).all())
    coupon.has_codes = True
    audit(
        session, staff_id=staff_id, action="codes_added", object=f"coupon:{coupon.key}", data={"codes": added}, now=now
    )
    session.flush()
    return added


def _pieces(codes: Sequence[str]) -> Iterator[Sequence[str]]:
    return (codes[at : at + BATCH] for at in range(0, len(codes), BATCH))


def pool(session: Session, coupon: Coupon) -> Pool:
    """How many codes are free, taken by a claim, and burnt with a voided one."""
    taken, burnt = CouponCode.claim_id.is_not(None), CouponCode.voided_at.is_not(None)
    counts = select(
        func.count().filter(~taken, ~burnt), func.count().filter(taken, ~burnt), func.count().filter(burnt)
    ).where(CouponCode.coupon_id == coupon.id)
    return Pool(*session.execute(counts).one())


def codes_of(session: Session, claim_ids: Sequence[int]) -> dict[int, str]:
    """The code of each claim that has one."""
    rows = select(CouponCode.claim_id, CouponCode.code).where(CouponCode.claim_id.in_(claim_ids))
    return {claim_id: code for claim_id, code in session.execute(rows) if claim_id is not None}
