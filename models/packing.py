"""Member ids as a few bytes each: sorted, as differences, in variable-length numbers, compressed."""

import zlib
from collections.abc import Iterable


def pack(ids: Iterable[int]) -> bytes:
    """Any ids; the same id may occur several times and is kept as often."""
    body = bytearray()
    before = 0
    for each in sorted(ids):
        _append(body, each - before)
        before = each
    return zlib.compress(bytes(body), 6)


def unpack(packed: bytes) -> list[int]:
    """The ids in ascending order."""
    ids: list[int] = []
    total = number = shift = 0
    for byte in zlib.decompress(packed):
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            total += number
            ids.append(total)
            number = shift = 0
    return ids


def _append(body: bytearray, number: int) -> None:
    while number > 0x7F:
        body.append(number & 0x7F | 0x80)
        number >>= 7
    body.append(number)
