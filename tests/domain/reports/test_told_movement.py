"""Who moved between month ends: counts, people and reasons, on both databases (feature L7)."""

from datetime import date, datetime

import pytest
from sqlalchemy.orm import Session

from domain.reports.movement import NOWHERE, movement
from models.member import Member
from models.packing import pack
from models.programme import Tier
from models.score import Snapshot
from tests.support.factories import make_member, make_purchase
from tests.support.journey import local
from tests.support.reporting import disagreeing, listed, rows, told


@pytest.fixture
def now(session: Session) -> datetime:
    return local(session, date(2026, 4, 10))


def stand(session: Session, month: str, dimension: str, **values: list[Member]) -> None:
    """Who stood where at a month's end."""
    taken = local(session, date(2026, 4, 1))
    for value, people in values.items():
        ids = [member.id for member in people]
        row = {"month": month, "dimension": dimension, "value": value, "count": len(ids), "ids": pack(ids)}
        session.add(Snapshot(**row, taken_at=taken))
    session.flush()


@pytest.fixture
def people(session: Session) -> list[Member]:
    made = [make_member(session) for _ in range(6)]
    stand(session, "2026-02", "rfm", vip=made[:2], asleep=made[2:4], loyal=made[4:5])
    stand(session, "2026-03", "rfm", vip=[made[0], made[2]], asleep=[made[1], made[3]], new=[made[5]])
    return made


def test_rows_add_up_to_the_old_counts(session: Session, people: list[Member]) -> None:
    found = movement(session, "rfm", "2026-02", "2026-03")
    counts = found.counts()
    assert {start: sum(row.values()) for start, row in counts.items() if sum(row.values())} == {
        "vip": 2, "asleep": 2, "loyal": 1, NOWHERE: 1,
    }  # fmt: skip
    assert (counts["vip"]["asleep"], counts["asleep"]["vip"], counts["asleep"]["asleep"]) == (1, 1, 1)
    assert (counts["loyal"][NOWHERE], counts[NOWHERE]["new"]) == (1, 1)
    assert list(found.moved(1)) == [people[2].id]
    assert list(found.moved(-1)) == [people[1].id]


def test_a_cell_opens_into_its_people_with_the_event_behind_it(
    session: Session, people: list[Member], now: datetime
) -> None:
    make_purchase(session, people[2], paid_at=local(session, date(2026, 3, 20)), amount=1200)
    make_purchase(session, people[2], paid_at=local(session, date(2026, 4, 2)), amount=7)  # after the month's end
    assert disagreeing(session, "movement", now, by="rfm") == []
    opened = listed(session, "movement", "asleep>vip", now, by="rfm")
    assert list(opened.people) == [people[2].id]
    assert opened.why is not None
    assert opened.why([people[2].id])[people[2].id] == "last bought on 20 March for NT$ 1,200"
    assert opened.why([people[3].id])[people[3].id] == "never bought"


def test_the_answer_and_its_table(session: Session, people: list[Member], now: datetime) -> None:
    said = told(session, "movement", now, by="rfm")
    assert said.answer.startswith("From the end of February 2026 to the end of March 2026, 1 people came closer and 1 ")
    assert rows(said, 2)["VIP"][-1] == "+0"
    assert rows(said, 2)["New buyer"][-1] == "+1"


def test_with_one_month_end_it_says_what_is_missing(session: Session, now: datetime) -> None:
    stand(session, "2026-03", "napl", A=[make_member(session)])
    said = told(session, "movement", now, by="napl")
    assert not said.has_data
    assert "Two month ends are needed" in said.answer


def test_an_archived_tier_is_listed_only_while_somebody_stood_on_it(session: Session) -> None:
    keys = ("general", "left", "empty", "gold")
    then = local(session, date(2026, 1, 1))
    session.add_all(Tier(key=key, rank=n, archived_at=then if n in (1, 2) else None) for n, key in enumerate(keys))
    one, other = make_member(session), make_member(session)
    stand(session, "2026-02", "tier", left=[one], general=[other])
    stand(session, "2026-03", "tier", general=[one], gold=[other])
    found = movement(session, "tier", "2026-02", "2026-03")
    assert found.values == ("general", "left", "gold")
    assert (list(found.moved(1)), list(found.moved(-1))) == ([other.id], [one.id])
