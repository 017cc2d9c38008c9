"""Keys of other systems: shown once when made, stored hashed, checked on each call, revoked for good."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.errors import Conflict, NotFound
from domain.operations.auditing import audit
from domain.wording import mark
from models.staff import ApiKey

PREFIX = "rk_"
# Often enough to see whether a key is in use, seldom enough not to write on every call.
NOTE_USE_EVERY = timedelta(minutes=10)


def _hash(key: str) -> str:
    # Keys are 256 random bits, so a plain digest cannot be reversed by guessing.
    return hashlib.sha256(key.encode()).hexdigest()


def add_key(session: Session, *, name: str, now: datetime) -> str:
    """Makes a key and returns it, the only time it can be read. Raises Conflict for a name in use."""
    if session.scalar(select(ApiKey.id).where(ApiKey.name == name)) is not None:
        raise Conflict(
            mark("There is a key called %(name)s already, so none was made. Choose another name."), name=name
        )
    key = PREFIX + secrets.token_urlsafe(32)
    session.add(ApiKey(name=name, key_hash=_hash(key), created_at=now))
    audit(session, staff_id=None, action="added_key", object=f"key:{name}", now=now)
    session.flush()
    return key


def revoke_key(session: Session, *, name: str, now: datetime) -> None:
    """From now on the key opens nothing. Raises NotFound for a name nobody gave."""
    row = session.scalar(select(ApiKey).where(ApiKey.name == name))
    if row is None:
        raise NotFound(mark("There is no key called %(name)s. Look at the names again."), name=name)
    row.revoked_at = row.revoked_at or now
    audit(session, staff_id=None, action="revoked_key", object=f"key:{name}", now=now)


def find_key(session: Session, key: str, *, now: datetime | None) -> ApiKey | None:
    """The key's row, if it is one of ours and not revoked. Its use is noted unless `now` is None."""
    row = session.scalar(select(ApiKey).where(ApiKey.key_hash == _hash(key), ApiKey.revoked_at.is_(None)))
    if row is not None and now is not None and (row.last_used_at is None or now - row.last_used_at > NOTE_USE_EVERY):
        row.last_used_at = now
    return row
