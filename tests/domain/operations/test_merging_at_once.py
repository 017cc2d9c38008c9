"""Two staff join the same pair at the same moment, and orders arrive while records are joined: nothing is lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from sqlalchemy import func, select

from domain.errors import Conflict
from domain.operations import merging
from domain.operations.importing_events import EventRow, import_events
from domain.operations.importing_purchases import PurchaseRow, import_purchases
from domain.operations.purchasing import Line
from domain.operations.unmerging import unmerge
from models.event import Event
from models.member import Identity, Member
from models.merge import Merge
from models.purchase import Purchase
from models.session import Sessions
from tests.support.factories import make_member
from tests.support.moments import NOW

ORDERS = 12


def two_known(sessions: Sessions) -> tuple[int, int]:
    with sessions.writing() as session:
        kept, gone = make_member(session), make_member(session)
        for member, ref in ((kept, "POS-1"), (gone, "POS-2")):
            session.add(Identity(member_id=member.id, kind="shop", value=ref, created_at=NOW, verified_at=NOW))
        session.commit()
        return kept.id, gone.id


def test_of_two_who_join_the_same_pair_the_other_way_round_one_is_told(sessions: Sessions) -> None:
    one, other = two_known(sessions)
    ready = Barrier(2)

    def join(kept_id: int, gone_id: int) -> str:
        with sessions.writing() as session:
            ready.wait(10)
            try:
                kept, gone = session.get_one(Member, kept_id), session.get_one(Member, gone_id)
                merging.merge(session, kept, gone, staff_id=None, now=NOW)
                session.commit()
            except Conflict as refusal:
                return refusal.code
            return "joined"

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(join, (one, other), (other, one)))
    assert told == ["joined", "joined_already"]
    with sessions.reading() as session:
        made = session.scalars(select(Merge)).one()
        into = dict(session.execute(select(Member.id, Member.merged_into_id)).all())
        assert into == {made.kept_id: None, made.gone_id: made.kept_id}


def test_orders_and_events_that_arrive_meanwhile_reach_the_person_and_go_back(sessions: Sessions) -> None:
    kept_id, gone_id = two_known(sessions)
    ready = Barrier(4)

    def deliver(part: int) -> None:
        ready.wait(10)
        for n in range(ORDERS):
            with sessions.writing() as session:
                at, ref = NOW - timedelta(days=n), f"{part}-{n}"
                row = PurchaseRow(ref, "POS-2", at, "pos", "", Line(1, "A", 100))
                import_purchases(session, [row], source="pos", now=NOW)
                import_events(session, [EventRow("visited", "POS-2", at, "pos", object=ref)], now=NOW)
                session.commit()

    def join_and_part(times: int) -> None:
        ready.wait(10)
        for n in range(times):
            with sessions.writing() as session:
                kept, gone = session.get_one(Member, kept_id), session.get_one(Member, gone_id)
                made = merging.merge(session, kept, gone, staff_id=None, now=NOW)
                session.commit()
            if n + 1 < times:
                with sessions.writing() as session:
                    unmerge(session, session.get_one(Merge, made.id), staff_id=None, now=NOW)
                    session.commit()

    with ThreadPoolExecutor(4) as pool:
        work = [pool.submit(deliver, part) for part in range(3)] + [pool.submit(join_and_part, 3)]
        for each in work:
            each.result()
    with sessions.writing() as session:
        merging.gather(session, now=NOW)
        session.commit()
        assert whose(session, Purchase) == {kept_id: 3 * ORDERS}
        assert whose(session, Event, Event.kind == "visited") == {kept_id: 3 * ORDERS}
        unmerge(session, session.scalars(select(Merge).where(Merge.undone_at.is_(None))).one(), staff_id=None, now=NOW)
        session.commit()
        assert whose(session, Purchase) == {gone_id: 3 * ORDERS}
        assert whose(session, Event, Event.kind == "visited") == {gone_id: 3 * ORDERS}


def whose(session, model, *which):
    rows = select(model.member_id, func.count()).where(*which).group_by(model.member_id)
    return dict(session.execute(rows).all())
