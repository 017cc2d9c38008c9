"""Buyers by channel, on both databases (definitions §10)."""

from datetime import date

from sqlalchemy.orm import Session

from tests.support.factories import make_member, make_purchase
from tests.support.journey import figure, local, share


def test_only_online_only_in_store_and_both_add_up(session: Session) -> None:
    at = local(session, date(2026, 2, 5))
    for channels in (("web",), ("web",), ("pos",), ("web", "pos"), ("store",)):
        member = make_member(session)
        for channel in channels:
            make_purchase(session, member, paid_at=at, amount=10, channel=channel)
    found = figure(session, "both_channels", "2026-02", as_of=local(session, date(2026, 3, 20)))
    assert share(found) == (1, 5)
    assert {name: share(part) for name, part in found.parts.items()} == {
        "only_online": (2, 5), "only_in_store": (2, 5),
    }  # fmt: skip
