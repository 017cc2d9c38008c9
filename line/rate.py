"""How fast we may call: one row per channel and endpoint, shared by every sender on every host.

A request is given a moment at which it may leave, evenly spaced over all hosts, so that no second ever
holds more than 95 % of what LINE allows. What a host makes of its moments is line/pacing.py.
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
# When LINE says too fast: half the rate, and a quarter more of what is left every ten seconds.
SLOWEST = 0.25
GROWTH = 1.25
GROWS_EVERY_US = 10_000_000
ONE_WARNING_US = 2_000_000  # warnings this close together are about the same burst
# Nothing is written so far ahead: what says so is from before the clock was put back.
TOO_FAR_US = 60_000_000


def bucket_of(session: Session, channel_id: int, endpoint: str, *, lock: bool = True) -> RateBucket:
    """The endpoint's bucket, locked until the transaction ends unless it is only looked at."""
    wanted = select(RateBucket).where(RateBucket.channel_id == channel_id, RateBucket.endpoint == endpoint)
    wanted = (wanted.with_for_update() if lock else wanted).execution_options(populate_existing=True)
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


def rate_of(bucket: RateBucket, machine: datetime) -> float:
    """Requests a second, now: the bucket's rate, or what is left of it after a warning of LINE's."""
    return bucket.per_second * _share(bucket, _us(machine))


def room(bucket: RateBucket, machine: datetime) -> int:
    """How many more requests may be given a moment now."""
    free = _us(machine + AHEAD) - _next(bucket, machine)
    return max(0, int(free * rate_of(bucket, machine) / 1_000_000))


def take(bucket: RateBucket, count: int, machine: datetime) -> list[float]:
    """The moments at which `count` requests may leave, in seconds since the epoch by the shared clock."""
    begin = _next(bucket, machine)
    gap = 1_000_000 / rate_of(bucket, machine)
    bucket.next_at_us = begin + round(gap * count)
    return [(begin + gap * n) / 1_000_000 for n in range(count)]


def slow_down(bucket: RateBucket, machine: datetime) -> None:
    """LINE said too fast: nothing leaves for a second, then half as much, growing back step by step."""
    at = _us(machine)
    if bucket.slow_at_us is not None and -TOO_FAR_US < at - bucket.slow_at_us < ONE_WARNING_US:
        return
    share = _share(bucket, at)
    if share == 1.0:
        bucket.next_at_us = max(_next(bucket, machine), _us(machine + AHEAD))
    bucket.slow_share, bucket.slow_at_us = max(SLOWEST, share / 2), at


def _next(bucket: RateBucket, machine: datetime) -> int:
    at = _us(machine)
    return at if bucket.next_at_us > at + TOO_FAR_US else max(bucket.next_at_us, at)


def _share(bucket: RateBucket, at_us: int) -> float:
    if bucket.slow_share is None or bucket.slow_at_us is None or bucket.slow_at_us > at_us + TOO_FAR_US:
        return 1.0
    steps = max(0, at_us - bucket.slow_at_us) // GROWS_EVERY_US
    grown: float = bucket.slow_share * GROWTH ** min(steps, 20)
    return min(1.0, grown)


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
