"""VIP share on both databases (definitions §10)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from models.member import Member
from models.programme import Tier, TierLine
from tests.support.factories import make_member
from tests.support.journey import figure, local, share

END = date(2026, 2, 28)


def make_tiers(session: Session, *keys: str) -> dict[str, Tier]:
    """Tiers from the lowest up."""
    tiers = {key: Tier(key=key, rank=rank, name={"en": key}, threshold=rank * 5000) for rank, key in enumerate(keys)}
    session.add_all(tiers.values())
    session.flush()
    return tiers


def move(session: Session, member: Member, tier: Tier, day: date, *, was: Tier | None = None, reason: str) -> None:
    session.add(
        TierLine(
            member_id=member.id,
            tier_id=tier.id,
            from_tier_id=was.id if was else None,
            reason=reason,
            at=local(session, day),
            cause=f"{member.id}:{reason}:{day}",
        )
    )
    session.flush()


def test_gold_and_black_are_vips_as_they_stood_at_the_end(session: Session) -> None:
    tiers = make_tiers(session, "general", "silver", "gold", "black")
    people = [make_member(session) for _ in range(6)]
    for member, key in zip(people, ("gold", "black", "silver", "gold", "general"), strict=False):
        move(session, member, tiers[key], date(2026, 1, 5), reason="upgraded")
    move(session, people[3], tiers["silver"], date(2026, 2, 10), was=tiers["gold"], reason="fell")
    move(session, people[2], tiers["gold"], date(2026, 3, 1), was=tiers["silver"], reason="upgraded")  # after the end
    make_member(session, registered=False)
    found = figure(session, "vip_share", "2026-02", as_of=local(session, date(2026, 3, 20)))
    assert share(found) == (2, 6)


def test_with_two_tiers_the_higher_is_vip_and_with_one_nobody_is(session: Session) -> None:
    member = make_member(session)
    tiers = make_tiers(session, "general")
    move(session, member, tiers["general"], END - timedelta(days=9), reason="joined")
    assert share(figure(session, "vip_share", "2026-02", as_of=local(session, date(2026, 3, 20)))) == (0, 1)
    session.add(Tier(key="silver", rank=1, name={}, threshold=5000))
    session.flush()
    assert share(figure(session, "vip_share", "2026-02", as_of=local(session, date(2026, 3, 20)))) == (0, 1)


def test_an_archived_tier_is_none_of_the_upper_ones_but_who_stands_on_it_keeps_their_place(session: Session) -> None:
    tiers = make_tiers(session, "general", "bronze", "silver", "gold", "old top")
    people = dict(zip(tiers, (make_member(session) for _ in tiers), strict=True))
    for key, member in people.items():
        move(session, member, tiers[key], date(2026, 1, 5), reason="upgraded")
    for key in ("bronze", "old top"):
        tiers[key].archived_at = local(session, date(2026, 2, 10))
    session.flush()
    as_of = local(session, date(2026, 4, 20))
    assert share(figure(session, "vip_share", "2026-02", as_of=as_of)) == (2, 5)  # gold is the third in use
    assert share(figure(session, "vip_share", "2026-01", as_of=as_of)) == (3, 5)  # silver still was
