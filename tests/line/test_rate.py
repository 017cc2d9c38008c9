"""No second ever holds more requests than 95 % of what LINE allows, however many senders ask."""

from datetime import timedelta

from sqlalchemy.orm import Session

from line.rate import bucket_of, room, slow_down, take
from models.channel import the_channel
from tests.support.moments import NOW


def test_moments_are_spaced_across_claims(session: Session) -> None:
    bucket = bucket_of(session, the_channel(session).id, "multicast")
    leaving: list[float] = []
    for step in range(40):  # a sender that always wants more, asking every tenth of a second
        machine = NOW + timedelta(seconds=step / 10)
        given = take(bucket, room(bucket, machine), machine)
        leaving += [step / 10 + wait for wait in given]
    assert leaving == sorted(leaving)
    assert max(sum(start <= each < start + 1 for each in leaving) for start in leaving) <= 191
    assert len(leaving) > 190 * 4


def test_after_a_warning_nothing_leaves_for_a_second(session: Session) -> None:
    bucket = bucket_of(session, the_channel(session).id, "push")
    slow_down(bucket, NOW)
    assert room(bucket, NOW) == 0
    assert room(bucket, NOW + timedelta(seconds=1)) == 1900
