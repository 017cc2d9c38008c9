"""A claimed phone becomes a verified one: staff saw it at the counter, or a one-time code came back.

A verified phone names one person. A record that is nothing but this phone is joined to theirs; when the phone names
somebody else who is known, we refuse, merge nobody (I12), and ask staff whether the two are one.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from domain.errors import Conflict, Invalid, TooMany
from domain.operations import linking_buyers, merging, naming, netting, proposing, referring, resolving
from domain.operations.auditing import audit
from domain.wording import mark
from models.member import Identity, Member
from models.staff import OneTimeCode

CODE_LIFE = timedelta(minutes=10)
CODES_AN_HOUR = 3
TRIES = 5


def confirm_phone(session: Session, member: Member, *, phone: str, staff_id: int, how: str, now: datetime) -> None:
    """Makes the phone this person's own. `how` is `seen` (staff looked) or `code` (it came back)."""
    number = phone_of(session, phone)
    netting.take_turn(session)
    _own(session, member, number, staff_id=staff_id, now=now)
    member.phone = number
    session.flush()
    linking_buyers.link_buyer(session, member.id, [number], now=now)
    referring.settle(session, [member.id], now=now)
    audit(session, staff_id=staff_id, action="verified_phone", member_id=member.id, data={"how": how}, now=now)


def phone_of(session: Session, text: str) -> str:
    """E.164. Raises Invalid."""
    try:
        return naming.normal_phone(text, naming.region_of(session))
    except ValueError:
        raise Invalid(
            mark("The phone was not verified: that is not a whole phone number. Type all its digits.")
        ) from None


def note_clash(session: Session, member: Member, *, phone: str, now: datetime) -> None:
    """After a refusal: asks staff whether this person and the one the phone belongs to are one."""
    record = resolving.record_of(session, member.id)
    proposing.note_clash(session, record_id=record, kind="phone", value=phone_of(session, phone), now=now)


def _own(session: Session, member: Member, number: str, *, staff_id: int, now: datetime) -> None:
    taken = Conflict(
        mark("The phone was not verified: it already belongs to another record. Ask a marketer to look at both."),
        code="phone_taken",
    )
    holder = naming.identities(session, [("phone", number)]).get(("phone", number))
    if holder is not None:
        if resolving.roots(session, [holder])[holder] != member.id:
            _join(session, member, session.get_one(Member, holder), number, taken, staff_id=staff_id, now=now)
        return
    record = resolving.record_of(session, member.id)
    claimed = (Identity.member_id == record) & (Identity.kind == "phone") & (Identity.value == number)
    row = session.scalar(select(Identity).where(claimed))
    if row is None:
        row = Identity(member_id=record, kind="phone", value=number, source="staff", created_at=now)
    try:
        with session.begin_nested():
            row.verified_at = row.verified_at or now
            session.add(row)
    except IntegrityError:  # another counter was first
        raise taken from None


def _join(
    session: Session, member: Member, holder: Member, number: str, taken: Conflict, *, staff_id: int, now: datetime
) -> None:
    """The phone's record is this person's when it is nothing but the phone. Raises `taken` otherwise."""
    if not merging.is_bare(session, holder, "phone", number):
        raise taken
    evidence = {"kind": "phone", "value": proposing.masked("phone", number)}
    merging.merge(
        session, member, holder, staff_id=staff_id, reason=merging.BY_PHONE, evidence=evidence, now=now
    )  # fmt: skip


def begin_code(session: Session, member: Member, *, phone: str, staff_id: int, now: datetime) -> tuple[str, str]:
    """A fresh code and the number to send it to; the caller sends it after committing. Older codes end."""
    number = phone_of(session, phone)
    recent = select(func.count()).where(
        OneTimeCode.member_id == member.id, OneTimeCode.created_at > now - timedelta(hours=1)
    )
    if (session.scalar(recent) or 0) >= CODES_AN_HOUR:
        raise TooMany(mark("No code was sent: three went out within an hour. Look at the phone, or wait an hour."))
    session.execute(
        update(OneTimeCode)
        .where(OneTimeCode.member_id == member.id, OneTimeCode.expires_at > now)
        .values(expires_at=now)
    )
    code = f"{secrets.randbelow(1_000_000):06d}"
    session.add(
        OneTimeCode(
            member_id=member.id, phone=number, code_hash=_digest(member, code),
            created_at=now, expires_at=now + CODE_LIFE,
        )
    )  # fmt: skip
    audit(session, staff_id=staff_id, action="sent_code", member_id=member.id, now=now)
    return number, code


def use_code(session: Session, member: Member, *, code: str, now: datetime) -> str | None:
    """The phone a right code verifies; None for a wrong one. Commit either way: tries are counted."""
    live = (
        update(OneTimeCode)
        .where(
            OneTimeCode.member_id == member.id,
            OneTimeCode.expires_at > now,
            OneTimeCode.used_at.is_(None),
            OneTimeCode.tries < TRIES,
        )
        .values(tries=OneTimeCode.tries + 1)
        .returning(OneTimeCode.id)
    )
    tried = session.execute(live, execution_options={"synchronize_session": False}).scalar()
    row = session.get(OneTimeCode, tried, populate_existing=True) if tried else None
    if row is None or not secrets.compare_digest(row.code_hash, _digest(member, "".join(code.split()))):
        return None
    row.used_at = now
    return row.phone


def _digest(member: Member, code: str) -> str:
    """Six digits are soon guessed from any hash; the life of ten minutes and five tries protect them."""
    return hashlib.sha256(f"{member.ref}:{code}".encode()).hexdigest()
