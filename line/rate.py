"""How fast we may call: one row per channel and endpoint, shared by every sender on every host.

A request is given a moment at which it may leave, evenly spaced, so that no second ever holds more
than 95 % of what LINE allows.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.channel import RateBucket
from models.session import insert_for

PER_SECOND = {"push": 2000, "reply": 2000, "multicast": 200}
SHARE = 0.95
AHEAD = timedelta(seconds=1)  # how far into the future moments are given away
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def bucket_of(session: Session, channel_id: int, endpoint: str) -> RateBucket:
    """The endpoint's bucket, locked until the transaction ends."""
    wanted = (
        select(RateBucket)
        .where(RateBucket.channel_id == channel_id, RateBucket.endpoint == endpoint)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    bucket = session.scalar(wanted)
    if bucket is None:
        row = {
            "channel_id": channel_id,
            "endpoint": endpoint,
            "per_second": PER_SECOND[endpoint] * SHARE,
            "next_at_us": 0,
        }
        session.execute(insert_for(session)(RateBucket).values(row).on_conflict_do_nothing())
        bucket = session.scalars(wanted).one()
    return bucket


def room(bucket: RateBucket, machine: datetime) -> int:
    """How many more requests may be given a moment now."""
    free = _us(machine + AHEAD) - max(bucket.next_at_us, _us(machine))
    return max(0, int(free * bucket.per_second / 1_000_000))


def take(bucket: RateBucket, count: int, machine: datetime) -> list[float]:
    """Seconds from now at which each of `count` requests may leave."""
    begin = max(bucket.next_at_us, _us(machine))
    gap = 1_000_000 / bucket.per_second
    bucket.next_at_us = begin + round(gap * count)
    return [(begin - _us(machine) + gap * n) / 1_000_000 for n in range(count)]


def slow_down(bucket: RateBucket, machine: datetime) -> None:
    """LINE said too fast: nothing leaves for a second."""
    bucket.next_at_us = max(bucket.next_at_us, _us(machine + AHEAD))


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
