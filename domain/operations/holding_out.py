"""The hold-out: who is kept from a programme's messages so that their effect can be seen (definitions §8)."""

import hashlib


def is_held_out(member_id: int, *, programme: str, salt: str, percent: int) -> bool:
    """A stable draw: the same people for the programme's life, on any database and any machine."""
    digest = hashlib.blake2b(f"{salt}:{programme}:{member_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 10_000 < percent * 100
