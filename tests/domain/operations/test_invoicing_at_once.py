"""An invoice registered by two at the same moment, or while its file is being read, is one person's, and somebody's."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from sqlalchemy import select

from domain.errors import Conflict
from domain.operations import collecting, invoicing
from domain.operations.collecting import Step
from domain.operations.importing_purchases import PurchaseRow, import_purchases
from domain.operations.purchasing import Line
from models.event import Event
from models.member import Identity, Member
from models.purchase import Purchase
from models.session import Sessions
from tests.support.factories import make_member
from tests.support.moments import NOW

ROUNDS = 8


def at_once(*deeds: Callable[[], str]) -> list[str]:
    barrier = Barrier(len(deeds))

    def run(deed: Callable[[], str]) -> str:
        barrier.wait()
        return deed()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return [each.result() for each in [pool.submit(run, deed) for deed in deeds]]


def people(sessions: Sessions, n: int) -> list[int]:
    with sessions.writing() as session:
        made = [make_member(session).id for _ in range(n)]
        session.commit()
        return made


def register(sessions: Sessions, member_id: int, number: str) -> str:
    with sessions.writing() as session:
        try:
            invoicing.register(session, session.get_one(Member, member_id), number=number, source="liff", now=NOW)
        except Conflict as refusal:
            return refusal.code
        session.commit()
        return "registered"


def load(sessions: Sessions, number: str) -> str:
    with sessions.writing() as session:
        row = PurchaseRow(number, "", NOW, "pos", "", Line(1, "tea", 600))
        import_purchases(session, [row], source="file", is_history=True, now=NOW)
        session.commit()
        return "loaded"


def test_two_people_and_a_file_at_the_same_moment(sessions: Sessions) -> None:
    mei, ken = people(sessions, 2)
    for n in range(ROUNDS):
        number = f"AB{n:08d}"
        outcomes = at_once(
            lambda number=number: register(sessions, mei, number),
            lambda number=number: load(sessions, number),
            lambda number=number: register(sessions, ken, number),
        )
        assert sorted(outcomes) == ["already_registered", "loaded", "registered"]
        with sessions.reading() as session:
            owner = session.scalars(select(Identity.member_id).where(Identity.value == number)).one()
            assert session.scalars(select(Purchase.member_id).where(Purchase.order_ref == number)).one() == owner
            assert session.scalars(select(Event.member_id).where(Event.object == f"invoice:{number}")).all() == [owner]


def test_a_browser_is_one_persons_whoever_claims_it_at_the_same_moment(sessions: Sessions) -> None:
    both = people(sessions, 2)

    def look(member_id: int, visitor: str) -> str:
        with sessions.writing() as session:
            collecting.remember(session, [(member_id, visitor)], source="test", now=NOW)
            collecting.collect(session, visitor=visitor, steps=[Step("browsed", f"tea{member_id}")], now=NOW)
            session.commit()
            return "done"

    for n in range(ROUNDS):
        visitor = f"{n:020d}"
        at_once(*(lambda each=each, visitor=visitor: look(each, visitor) for each in both))
        with sessions.reading() as session:
            owner = session.scalars(select(Identity.member_id).where(Identity.value == visitor)).one()
            actor = collecting.actor_of(visitor)
            assert set(session.scalars(select(Event.member_id).where(Event.actor_ref == actor))) == {owner}
