"""Return across channels, both directions, on both databases (definitions §10)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from tests.support.factories import make_member, make_purchase
from tests.support.journey import figure, local, share

INDEX = date(2026, 3, 5)


def buys(session: Session, *orders: tuple[int, str]) -> None:
    member = make_member(session)
    for after, channel in orders:
        paid = local(session, INDEX + timedelta(days=after))
        make_purchase(session, member, paid_at=paid, amount=10, channel=channel)


def test_only_the_other_channel_on_a_later_day_counts(session: Session) -> None:
    buys(session, (0, "web"), (90, "pos"))  # crossed on the last day
    buys(session, (0, "web"), (91, "pos"))  # a day too late
    buys(session, (0, "web"), (0, "pos"))  # both on one day: an index of each direction, no return of either
    buys(session, (0, "pos"), (10, "pos"), (40, "web"))
    found = figure(session, "cross_channel_return", "2026-06", as_of=local(session, date(2026, 7, 20)))
    assert {part: share(each) for part, each in found.parts.items()} == {
        "online_to_store": (1, 3), "store_to_online": (1, 2),
    }  # fmt: skip
    assert share(found) == (2, 5)


def test_who_has_days_left_is_on_neither_side(session: Session) -> None:
    buys(session, (0, "web"), (40, "pos"))
    early = figure(session, "cross_channel_return", "2026-06", as_of=local(session, INDEX + timedelta(days=90)))
    assert (share(early), early.asides["pending"]) == ((0, 0), 1)
    ripe = figure(session, "cross_channel_return", "2026-06", as_of=local(session, INDEX + timedelta(days=91)))
    assert share(ripe) == (1, 1)
