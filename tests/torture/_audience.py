"""People and sends for torture: made through the product's own operations, counted at the receiver.

Every fiftieth refused marketing and every hundredth blocked us; everyone else must have each send exactly once.
"""

import uuid
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from domain.operations import controlling, drafting
from models.campaign import Campaign, Recipient
from models.channel import the_channel
from models.member import Friend, Member
from models.outbox import OutgoingMessage
from models.programme import the_brand
from models.session import Sessions
from tests.torture._product import Product, wait_until

AT_A_TIME = 5_000
OVER = ("sent", "stopped", "cancelled")


def eligible_of(ids: list[int]) -> list[int]:
    """Who must have a marketing message: everyone but who blocked or refused."""
    return [n for n in ids if not is_blocked(n) and not has_refused(n)]


def user_of(n: int) -> str:
    return f"U{n:032x}"


def is_blocked(n: int) -> bool:
    return n % 100 == 2


def has_refused(n: int) -> bool:
    return n % 50 == 1


def add_people(product: Product, count: int, *, first: int = 1) -> list[int]:
    """Registered friends, known to us and to LINE; their numbers are their member ids."""
    now, ids = datetime.now(UTC), list(range(first, first + count))
    with product.sessions.writing() as session:
        channel, brand = the_channel(session).id, the_brand(session)
        brand.quiet_from = brand.quiet_until = "03:00"  # whatever hour it runs at
        brand.holdout_percent, brand.weekly_cap = 0, None
        for piece in _pieces(ids):
            session.execute(
                insert(Member),
                [
                    {
                        "id": n, "ref": f"T{n}", "name": f"Person {n}", "created_at": now, "registered_at": now,
                        "marketing_consent": not has_refused(n),
                    }
                    for n in piece
                ],
            )  # fmt: skip
            session.execute(
                insert(Friend),
                [
                    {
                        "channel_id": channel, "member_id": n, "user_id": user_of(n), "state_at": now,
                        "is_following": not is_blocked(n),
                    }
                    for n in piece
                ],
            )  # fmt: skip
        _count_on(session)
        session.commit()
    know_at_line(product, ids)
    return ids


def _count_on(session: Session) -> None:
    """PostgreSQL does not notice ids that were given."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT setval(pg_get_serial_sequence('member', 'id'), (SELECT max(id) FROM member))"))


def know_at_line(product: Product, ids: list[int], *, following: bool = True) -> None:
    """LINE knows these people; to LINE all of them are friends, so that a wrong send would be counted."""
    for piece in _pieces(ids):
        product.line.add_users({"user_id": user_of(n), "following": following} for n in piece)


def write_letters(sessions: Sessions, ids: list[int], *, name: str = "torture") -> None:
    """A service message to each, written as a fact would write it."""
    now = datetime.now(UTC)
    with sessions.writing() as session:
        channel = the_channel(session).id
        for piece in _pieces(ids):
            rows = [
                {
                    "channel_id": channel, "member_id": n, "to": user_of(n), "kind": "service", "name": name,
                    "messages": [{"type": "text", "text": f"Number {n}"}], "once": f"{name}:{n}", "created_at": now,
                    "due_at": now, "retry_key": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{now}:{name}:{n}")),
                }
                for n in piece
            ]  # fmt: skip
            session.execute(insert(OutgoingMessage), rows)
        session.commit()


def approve(sessions: Sessions, *, words: str = "To all", name: str = "Torture") -> str:
    """A campaign to everyone, drafted and approved; the worker freezes and sends it. `{name}` makes it personal."""
    with sessions.writing() as session:
        now = datetime.now(UTC)
        draft = drafting.create(session, name=name, now=now)
        changes = {
            "content": {"text": words, "fallback": {"name": "you"}}, "audience_rule": {"all": []},
            "holdout_percent": 0,
        }  # fmt: skip
        edited = drafting.edit(session, ref=draft.ref, edit_version=draft.edit_version, changes=changes, now=now)
        controlling.approve(
            session, ref=draft.ref, edit_version=edited.edit_version, accept_over_allowance=True, now=now
        )
        session.commit()
        return str(draft.ref)


def tally(sessions: Sessions, column: Any, *where: Any) -> Counter[str]:
    """How many rows there are of each value."""
    with sessions.reading() as session:
        rows = session.execute(select(column, func.count()).where(*where).group_by(column))
        return Counter({str(value): n for value, n in rows})


def state_of(sessions: Sessions, ref: str) -> str:
    with sessions.reading() as session:
        return str(session.scalar(select(Campaign.state).where(Campaign.ref == ref)))


def outcomes(sessions: Sessions, ref: str) -> Counter[str]:
    """What our own rows say became of everyone in a send."""
    campaign = select(Campaign.id).where(Campaign.ref == ref).scalar_subquery()
    return tally(sessions, Recipient.state, Recipient.campaign_id == campaign)


def letters_open(sessions: Sessions) -> int:
    found = tally(sessions, OutgoingMessage.state)
    return found["queued"] + found["claimed"]


def sent_out(product: Product, *refs: str, patience: float = 240) -> None:
    """Waits until these campaigns are over and no personal message is open."""
    wait_until(
        lambda: all(state_of(product.sessions, ref) in OVER for ref in refs) and not letters_open(product.sessions),
        "everything to be sent", patience=patience, pause=0.3, watch=product,
    )  # fmt: skip


def reached_so_far(product: Product) -> int:
    """How many people LINE accepted something for: cheap to ask for, and it only grows."""
    return int(product.line.ask("GET", "state")["quota"]["used"])


def doubles_and_missed(before: dict[str, int], after: dict[str, int], eligible: list[int]) -> dict[str, int]:
    """Counted at the receiver: who got more than one, who got none, who got one and should not have."""
    wanted = {user_of(n) for n in eligible}
    gained = {user: times - before.get(user, 0) for user, times in after.items()}
    return {
        "reached": sum(times > 0 for times in gained.values()),
        "doubles": sum(max(0, times - 1) for times in gained.values()),
        "missed": sum(gained.get(user, 0) == 0 for user in wanted),
        "accepted_wrongly": sum(times > 0 and user not in wanted for user, times in gained.items()),
    }


def _pieces(ids: list[int]) -> list[list[int]]:
    return [ids[at : at + AT_A_TIME] for at in range(0, len(ids), AT_A_TIME)]
