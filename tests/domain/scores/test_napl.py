"""The life cycle on real rows of both databases (definitions §6)."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from domain.operations import scoring
from domain.operations.recording import record
from models.member import Member
from models.score import MemberScore
from tests.support.factories import make_member, make_purchase

DAY = date(2026, 6, 30)


def noon(month: int, day: int, year: int = 2026) -> datetime:
    return datetime.combine(date(year, month, day), time(4, 0), UTC)


def member(session: Session, joined: datetime) -> Member:
    return make_member(session, registered_at=joined, created_at=joined)


def acted(session: Session, person: Member, at: datetime) -> None:
    record(session, "clicked", member_id=person.id, source="link", occurred_at=at, now=at)


def states(session: Session, *people: Member) -> list[str | None]:
    ids = [person.id for person in people]
    scoring.score(session, day=DAY, ids=(min(ids), max(ids)))
    session.expire_all()
    return [session.get_one(MemberScore, each).napl for each in ids]


def loyal_buyer(session: Session, last: datetime) -> Member:
    """Five purchase days within the year, 8,000 in all; the last own action at `last`."""
    person = member(session, noon(7, 15, 2025))
    for n in range(5):
        make_purchase(session, person, paid_at=noon(2, 1) - timedelta(days=20 * n), amount=1_600)
    acted(session, person, last)
    return person


def test_EX_10_nine_members(session: Session) -> None:
    m1, m2, m3 = (member(session, noon(*day)) for day in ((6, 20), (5, 1), (3, 1)))
    m4 = member(session, noon(5, 1))
    acted(session, m4, noon(6, 25))
    m5, m6 = member(session, noon(1, 1)), member(session, noon(1, 1))
    for person, day in ((m5, noon(4, 1)), (m6, noon(3, 31))):
        make_purchase(session, person, paid_at=day, amount=500)
        acted(session, person, day)
    m7, m8 = loyal_buyer(session, noon(6, 1)), loyal_buyer(session, noon(3, 1))
    m9 = member(session, noon(6, 29))
    make_purchase(session, m9, paid_at=noon(6, 29), amount=500)
    found = states(session, m1, m2, m3, m4, m5, m6, m7, m8, m9)
    assert found == ["N", "N", "P", "A", "A", "P", "L", "P", "A"]
    assert Counter(found) == {"N": 2, "A": 3, "L": 1, "P": 3}


def test_three_referrals_and_a_purchase_make_loyal(session: Session) -> None:
    person = member(session, noon(1, 5))
    make_purchase(session, person, paid_at=noon(6, 1), amount=100)
    for n in range(3):
        record(session, "referred", member_id=person.id, source="form", object=f"M{n}", now=noon(6, 2 + n))
    assert states(session, person) == ["L"]


def test_what_we_send_is_no_activity(session: Session) -> None:
    person = member(session, noon(1, 5))
    for kind in ("unfollowed", "tagged", "coupon_redeemed"):
        record(session, kind, member_id=person.id, source="line", now=noon(6, 25))
    assert states(session, person) == ["P"]


def test_a_friend_who_never_registered_has_no_state(session: Session) -> None:
    friend = make_member(session, registered=False)
    assert states(session, friend) == [None]


def test_by_purchases_alone_the_letters_mean_otherwise(session: Session) -> None:
    bought = {"first": [90], "again": [200, 90], "quiet": [200, 91], "once": [91], "never": []}
    people = {}
    for name, days in bought.items():
        people[name] = member(session, noon(1, 1, 2025))
        for each in days:
            make_purchase(session, people[name], paid_at=noon(6, 30) - timedelta(days=each), amount=100)
    ids = [person.id for person in people.values()]
    scoring.score(session, day=DAY, ids=(min(ids), max(ids)))
    found = {name: session.get_one(MemberScore, person.id).napl_purchases for name, person in people.items()}
    assert found == {"first": "N", "again": "A", "quiet": "P", "once": "L", "never": None}
