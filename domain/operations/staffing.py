"""Staff come, sign in, and go: invitations, passwords, lock-out, the second factor, the end of sessions.

Times here are machine time: a password guessed in practice time is guessed all the same.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import case, or_, select, update
from sqlalchemy.orm import Session

from domain.errors import Conflict, Gone, Invalid, NotFound, NotSignedIn, TooMany
from domain.operations.auditing import audit
from domain.wording import LANGUAGES, mark
from models.staff import ROLES, Staff
from models.store import Store

TRIES = 5
LOCK = timedelta(minutes=15)
INVITE_LIFE = timedelta(days=7)
SHORTEST_PASSWORD = 10
# 19 MiB and two passes: what OWASP asks for, at about 40 ms on a small machine.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

WRONG = mark("You are not signed in: the name, password or code did not match. Check them and try again.")
LOCKED = mark("You are not signed in: there were too many tries. Wait 15 minutes, or ask the owner for a new link.")


def invite(
    session: Session,
    *,
    login: str,
    name: str,
    role: str,
    store_key: str | None = None,
    by_id: int | None = None,
    now: datetime,
) -> tuple[Staff, str]:
    """Adds a member of staff and returns the token of their one-time link."""
    login = folded(login)
    if not login:
        raise Invalid(mark("Nobody was added: a name to sign in with is missing. Type one."))
    if session.scalar(select(Staff.id).where(Staff.login == login)):
        raise Conflict(mark("Nobody was added: %(login)s is taken. Choose another name."), login=login)
    store_id = _store_for(session, role, store_key)
    staff = Staff(login=login, name=name.strip() or login, role=role, store_id=store_id, created_at=now)
    session.add(staff)
    session.flush()
    token = _new_link(staff, now=now)
    given = {"role": role, "store": store_key}
    audit(session, staff_id=by_id, action="invited", object=f"staff:{login}", data=given, now=now)
    return staff, token


def _store_for(session: Session, role: str, store_key: str | None) -> int | None:
    if role not in ROLES:
        raise Invalid(mark("Nobody was added: a role is one of %(roles)s. Choose one."), roles=", ".join(ROLES))
    if role != "store":
        return None
    store_id = session.scalar(select(Store.id).where(Store.key == (store_key or "")))
    if store_id is None:
        raise Invalid(mark("Nobody was added: store staff need a store of ours. Choose one."))
    return store_id


def folded(login: str) -> str:
    """Names to sign in with are compared without case and outer blanks."""
    return login.strip().casefold()[:64]


def new_link(session: Session, staff: Staff, *, by_id: int | None, now: datetime) -> str:
    """A fresh one-time link, for who lost the first one or forgot the password. Lifts a lock-out."""
    audit(session, staff_id=by_id, action="link_renewed", object=f"staff:{staff.login}", now=now)
    staff.failed_sign_ins, staff.locked_until = 0, None
    return _new_link(staff, now=now)


def _new_link(staff: Staff, *, now: datetime) -> str:
    token = secrets.token_urlsafe(24)
    staff.invite_hash, staff.invite_until = _digest(token), now + INVITE_LIFE
    return token


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def invited(session: Session, token: str, *, now: datetime) -> Staff:
    """Whom a one-time link is for. Raises Gone when it was used or has run out."""
    staff = session.scalar(select(Staff).where(Staff.invite_hash == _digest(token), Staff.disabled_at.is_(None)))
    if staff is None or staff.invite_until is None or staff.invite_until < now:
        raise Gone(mark("This link no longer works: it was used or is too old. Ask the owner for a new one."))
    return staff


def accept_invite(session: Session, token: str, *, password: str, now: datetime) -> Staff:
    """Sets the password through a one-time link, which ends with it, as do all older sessions."""
    staff = invited(session, token, now=now)
    set_password(staff, password)
    # Whoever holds the link was given it by the owner; a lost second factor must not lock them out for ever.
    staff.totp_secret, staff.totp_step = None, None
    staff.failed_sign_ins, staff.locked_until = 0, None
    audit(session, staff_id=staff.id, action="password_set", object=f"staff:{staff.login}", now=now)
    return staff


def set_password(staff: Staff, password: str) -> None:
    """Stores the hash, uses up any link and ends every session."""
    if len(password) < SHORTEST_PASSWORD or folded(password) == staff.login:
        raise Invalid(
            mark(
                "The password was not saved: it needs at least %(n)s characters and must not be your name. Try another."
            ),
            n=SHORTEST_PASSWORD,
        )
    staff.password_hash = HASHER.hash(password)
    staff.invite_hash, staff.invite_until = None, None
    staff.session_version = (staff.session_version or 1) + 1


@cache
def _nobodys_hash() -> str:
    """What an unknown name is checked against, so that it takes as long as a known one."""
    return HASHER.hash(secrets.token_hex(16))


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether they belong together. Takes its time on purpose: call it with no transaction open."""
    try:
        return HASHER.verify(password_hash or _nobodys_hash(), password) and password_hash is not None
    except (VerificationError, InvalidHashError):
        return False


def count_try(session: Session, login: str, *, now: datetime) -> Staff | None:
    """Counts a try *before* it is checked, so that many at once cannot slip past the lock; commit it first.

    None for a name nobody has. Raises TooMany when this name is locked.
    """
    unlocked = or_(Staff.locked_until.is_(None), Staff.locked_until <= now)
    # After a lock has run out the count begins again.
    tries = case((Staff.locked_until.is_(None), Staff.failed_sign_ins), else_=0) + 1
    counted = session.execute(
        update(Staff)
        .where(Staff.login == folded(login), Staff.disabled_at.is_(None), unlocked)
        .values(failed_sign_ins=tries, locked_until=case((tries >= TRIES, now + LOCK), else_=None))
        .returning(Staff.id)
        .execution_options(synchronize_session=False)
    ).scalar()
    if counted is None:
        if session.scalar(select(Staff.id).where(Staff.login == folded(login), Staff.disabled_at.is_(None))):
            raise TooMany(LOCKED)
        return None
    return session.get(Staff, counted, populate_existing=True)


def signed_in(session: Session, staff: Staff, *, now: datetime) -> None:
    """The password (and the second factor, if any) was right: the count of failures starts again."""
    staff.failed_sign_ins, staff.locked_until = 0, None
    audit(session, staff_id=staff.id, action="signed_in", now=now)


def use_code(session: Session, staff: Staff, *, step: int | None) -> None:
    """Accepts a second-factor code's time step once. Raises NotSignedIn for a wrong or used one."""
    if step is None:
        raise NotSignedIn(WRONG)
    fresh = or_(Staff.totp_step.is_(None), Staff.totp_step < step)
    used = session.execute(update(Staff).where(Staff.id == staff.id, fresh).values(totp_step=step).returning(Staff.id))
    if used.scalar() is None:
        raise NotSignedIn(WRONG)


def set_second_factor(session: Session, staff: Staff, *, secret: str | None, now: datetime) -> None:
    """Switches the second factor on (with an encrypted secret) or off."""
    staff.totp_secret, staff.totp_step = secret, None
    audit(session, staff_id=staff.id, action="second_factor_on" if secret else "second_factor_off", now=now)


def end_sessions(session: Session, staff: Staff, *, by_id: int | None, now: datetime) -> None:
    """Signs them out everywhere."""
    staff.session_version += 1
    audit(session, staff_id=by_id, action="signed_out_everywhere", object=f"staff:{staff.login}", now=now)


def disable(session: Session, staff: Staff, *, by_id: int | None, now: datetime) -> None:
    """Ends someone's access; what they did stays. The last owner cannot be locked out."""
    owners = select(Staff.id).where(Staff.role == "owner", Staff.disabled_at.is_(None), Staff.id != staff.id)
    if staff.role == "owner" and not session.scalar(owners.limit(1)):
        raise Conflict(mark("Nothing changed: this is the last owner. Add another owner first."))
    staff.disabled_at, staff.invite_hash, staff.session_version = now, None, staff.session_version + 1
    audit(session, staff_id=by_id, action="disabled", object=f"staff:{staff.login}", now=now)


def enable(session: Session, staff: Staff, *, by_id: int | None, now: datetime) -> None:
    staff.disabled_at = None
    audit(session, staff_id=by_id, action="enabled", object=f"staff:{staff.login}", now=now)


def choose_language(staff: Staff, language: str) -> None:
    """The language this person works in."""
    if language in LANGUAGES:
        staff.language = language


def find(session: Session, login: str) -> Staff:
    """Raises NotFound for a name nobody has."""
    staff = session.scalar(select(Staff).where(Staff.login == folded(login)))
    if staff is None:
        raise NotFound(mark("Nobody signs in as %(login)s. Check the name."), login=login)
    return staff
