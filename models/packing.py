"""Member ids as a few bits each: compressed bitmaps, one per time a person is counted.

A list of people in which some occur several times is kept in layers: whoever occurs at least once, at least
twice, and so on. Counting, paging and cutting by a segment are then done on the sets as they are stored.
"""

import zlib
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence

from pyroaring import BitMap, FrozenBitMap

People = FrozenBitMap
LAYERED = b"\x00"  # zlib, in which lists were packed before, begins otherwise
LENGTH = 4  # bytes that say how long a layer is
LARGEST = 2**32 - 1  # `member.id` is dense: four thousand million people come first


def layers_of(ids: Iterable[int]) -> list[People]:
    """Whoever occurs at least once, at least twice, …"""
    rest, layers = _numbers(ids), []
    while rest:
        layers.append(People(rest))
        if len(layers[-1]) == len(rest):  # nobody occurs again, as is usual
            break
        times = Counter(rest)
        rest = array("I", (each for each, count in times.items() for _ in range(count - 1)))
    return layers


def _numbers(ids: Iterable[int]) -> "array[int]":
    try:
        return ids if isinstance(ids, array) else array("I", ids)
    except OverflowError:
        raise ValueError("a member id is past 32 bits") from None


def pack(ids: Iterable[int]) -> bytes:
    """Any member ids; the same id may occur several times and is kept as often."""
    return pack_layers(layers_of(ids))


def pack_layers(layers: Sequence[People]) -> bytes:
    bodies = []
    for layer in layers:
        small = BitMap(layer)
        small.run_optimize()
        bodies.append(small.serialize())
    return LAYERED + b"".join(len(body).to_bytes(LENGTH, "big") + body for body in bodies)


def unpack_layers(packed: bytes) -> list[People]:
    """What `pack_layers` was given; lists packed by an older version are read too."""
    if packed[:1] != LAYERED:
        return layers_of(_unpack_differences(packed))
    layers, at = [], len(LAYERED)
    while at < len(packed):
        begins = at + LENGTH
        at = begins + int.from_bytes(packed[at:begins], "big")
        layers.append(People.deserialize(packed[begins:at]))
    return layers


def unpack(packed: bytes) -> list[int]:
    """The ids in ascending order, each as often as it was given."""
    layers = unpack_layers(packed)
    return list(layers[0]) if len(layers) == 1 else sorted(each for layer in layers for each in layer)


def _unpack_differences(packed: bytes) -> list[int]:
    """The older form: sorted, as differences, in variable-length numbers, compressed."""
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
