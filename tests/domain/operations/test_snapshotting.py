"""Month ends are kept as they were."""

from collections import defaultdict
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import Month
from domain.operations import ranking, scoring, snapshotting
from models.clock import machine_now
from models.packing import unpack
from models.programme import Tier, TierLine
from models.score import MemberScore, Snapshot
from tests.support.factories import make_member, make_purchase, make_tag
from tests.support.journey import give_tag, local


def test_where_everyone_stood(session: Session) -> None:
    joined = local(session, date(2026, 1, 5))
    newcomer, buyer, stranger = (make_member(session, created_at=joined, registered_at=joined) for _ in range(3))
    stranger.registered_at = local(session, date(2026, 3, 1))
    make_purchase(session, buyer, paid_at=local(session, date(2026, 1, 10)), amount=16_000)
    give_tag(session, buyer, make_tag(session, "skincare"), at=joined)
    silver, gold = Tier(key="silver", rank=1), Tier(key="gold", rank=2)
    session.add_all([silver, gold])
    session.flush()
    for n, (tier, day) in enumerate(((silver, date(2026, 1, 8)), (gold, date(2026, 2, 1)))):
        session.add(
            TierLine(member_id=buyer.id, tier_id=tier.id, reason="upgraded", at=local(session, day, 0), cause=f"c{n}")
        )
    session.flush()
    now = local(session, date(2026, 2, 2))
    assert snapshotting.months_to_take(session, now=now)[-1] == Month(2026, 1)
    snapshotting.take_snapshot(session, Month(2026, 1), now=now)
    rows = {(row.dimension, row.value): unpack(row.ids) for row in session.scalars(select(Snapshot))}
    assert rows == {
        ("rfm", "none"): [newcomer.id],
        ("rfm", "new"): [buyer.id],
        ("napl", "N"): [newcomer.id],
        ("napl", "L"): [buyer.id],
        ("napl_purchases", "never"): [newcomer.id],
        ("napl_purchases", "N"): [buyer.id],
        ("tier", "silver"): [buyer.id],
        ("tagged", "yes"): [buyer.id],
        ("tagged", "no"): [newcomer.id, stranger.id],
    }
    assert Month(2026, 1) not in snapshotting.months_to_take(session, now=now)
    snapshotting.take_snapshot(session, Month(2026, 1), now=now)


def test_groups_by_quintiles_are_kept_as_the_night_would_have_scored_them(session: Session) -> None:
    joined, end = local(session, date(2026, 1, 5)), date(2026, 1, 31)
    people = [make_member(session, created_at=joined, registered_at=joined) for _ in range(101)]
    for n, person in enumerate(people[:100]):
        for day in range(1 + n % 5):
            make_purchase(session, person, paid_at=local(session, date(2026, 1, 6 + day + n % 20)), amount=100 + n)
    scoring.make_due(session, day=end, now=local(session, date(2026, 2, 1)), machine_now=machine_now(session))
    scoring.score_due(session, day=end)
    cut = ranking.cuts(session, day=end)
    assert cut is not None
    ranking.move_quintiles(session, day=end, cut=cut, ids=(0, people[-1].id))
    scored = session.execute(select(MemberScore.member_id, MemberScore.quintile_group).order_by(MemberScore.member_id))
    wanted = defaultdict(list)
    for member_id, group in scored:
        wanted[group].append(member_id)
    assert len(wanted) > 4
    make_purchase(session, people[100], paid_at=local(session, date(2026, 2, 1)), amount=9_000)  # of the next month
    snapshotting.take_snapshot(session, Month(2026, 1), now=local(session, date(2026, 2, 2)))
    kept = session.scalars(select(Snapshot).where(Snapshot.dimension == "rfm_quintile"))
    assert {row.value: unpack(row.ids) for row in kept} == wanted


def test_a_member_who_never_rose_stands_on_the_first_tier(session: Session) -> None:
    joined = local(session, date(2026, 1, 5))
    member = make_member(session, created_at=joined, registered_at=joined)
    make_member(session, created_at=joined, registered_at=local(session, date(2026, 2, 1)))
    session.add(Tier(key="general", rank=0))
    session.flush()
    snapshotting.take_snapshot(session, Month(2026, 1), now=local(session, date(2026, 2, 2)))
    kept = session.scalars(select(Snapshot).where(Snapshot.dimension == "tier"))
    assert {row.value: unpack(row.ids) for row in kept} == {"general": [member.id]}
