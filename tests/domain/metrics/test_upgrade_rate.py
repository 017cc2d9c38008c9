"""Upgrade rate on both databases (definitions §10)."""

from datetime import date

from sqlalchemy.orm import Session

from tests.domain.metrics.test_vip_share import make_tiers, move
from tests.support.factories import make_member
from tests.support.journey import figure, local, share


def test_who_could_rise_and_who_rose(session: Session) -> None:
    tiers = make_tiers(session, "general", "silver", "gold")
    risen, twice, given, fell, top, new = (make_member(session) for _ in range(6))
    new.registered_at = local(session, date(2026, 2, 3))
    general, silver, gold = tiers.values()
    move(session, top, gold, date(2026, 1, 1), was=general, reason="upgraded")
    move(session, risen, silver, date(2026, 2, 10), was=general, reason="upgraded")
    for day, tier in ((5, silver), (9, gold)):
        move(session, twice, tier, date(2026, 2, day), was=general, reason="upgraded")
    move(session, given, silver, date(2026, 2, 28), was=general, reason="granted")
    move(session, fell, silver, date(2026, 1, 2), was=general, reason="upgraded")
    move(session, fell, general, date(2026, 2, 2), was=silver, reason="fell")
    move(session, new, silver, date(2026, 2, 4), was=general, reason="upgraded")
    found = figure(session, "upgrade_rate", "2026-02", as_of=local(session, date(2026, 3, 20)))
    assert share(found) == (3, 4)


def test_nobody_could_rise_to_an_archived_tier(session: Session) -> None:
    tiers = make_tiers(session, "general", "gold", "black")
    low, high = make_member(session), make_member(session)
    move(session, high, tiers["gold"], date(2026, 1, 5), was=tiers["general"], reason="upgraded")
    move(session, low, tiers["gold"], date(2026, 2, 5), was=tiers["general"], reason="upgraded")
    tiers["black"].archived_at = local(session, date(2026, 1, 20))
    session.flush()
    assert share(figure(session, "upgrade_rate", "2026-02", as_of=local(session, date(2026, 3, 20)))) == (1, 1)
