"""The funnel of people who did anything in any order, against each walked through by hand (definitions §10)."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.reports.funnel import EVENTS, STEPS, counted, people_at
from models.campaign import Recipient
from models.event import Event
from models.member import Member
from models.purchase import Purchase
from tests.support.journey import local, make_campaign

START = date(2026, 1, 10)
PEOPLE = 150
Life = Sequence[tuple[str, datetime, date, int]]


def test_each_stands_where_walking_through_their_days_puts_them(session: Session) -> None:
    at, zone = local(session, START), calendar_of(session)
    chance = random.Random(4)
    since, until = at, at + timedelta(days=10)
    lives = {id: _lived(chance, at, zone.day_of) for id in _people(session, at)}
    _store(session, lives, at)
    walked = {id: _far(life, since, until) for id, life in lives.items()}
    expected = Counter(far for far in walked.values() if far is not None)
    assert min(expected[far] for far in range(len(STEPS))) >= 1
    found = counted(session, since=since, until=until, now=at + timedelta(days=400))
    assert [step.count for step in found.steps] == [
        sum(expected[far] for far in range(place, len(STEPS))) for place in range(len(STEPS))
    ]
    for place in range(len(STEPS)):
        who = set(session.scalars(people_at(since, until, place, stopped=True)))
        assert who == {id for id, far in walked.items() if far == place}


def _people(session: Session, at: datetime) -> list[int]:
    session.execute(insert(Member), [{"ref": f"R{n}", "created_at": at} for n in range(PEOPLE)])
    return list(session.scalars(select(Member.id).where(Member.ref.like("R%")).order_by(Member.id)))


def _lived(chance: random.Random, at: datetime, day_of: Callable[[datetime], date]) -> Life:
    """(what, when, its day, amount): few moments to choose from, so that ties and edges occur."""
    kinds = ["sent", "sent", *EVENTS.values(), "bought", "bought", "bought"]
    life = []
    for kind in chance.choices(kinds, k=chance.randint(1, 12)):
        when = at + timedelta(days=chance.choice((-1, 0, 1, 2, 5, 9, 10, 12, 30, 31, 40, 90, 92, 120, 130)))
        when += timedelta(hours=chance.choice((0, 9, 23)))
        life.append((kind, when, day_of(when), chance.choice((0, 50, 80))))
    return life


def _store(session: Session, lives: Mapping[int, Life], at: datetime) -> None:
    campaigns = [make_campaign(session, f"launch {n}", at=at).id for n in range(12)]
    sent, did, bought = [], [], []
    for id, life in lives.items():
        for place, (kind, when, day, amount) in enumerate(life):
            if kind == "sent":
                sent.append({"member_id": id, "campaign_id": campaigns[place], "due_at": when, "sent_at": when,
                             "state": "sent", "was_reachable": amount > 0})  # fmt: skip
            elif kind == "bought":
                bought.append({"order_ref": f"{id}-{place}", "member_id": id, "paid_at": when, "recorded_at": when,
                               "day": day, "net_amount": amount})  # fmt: skip
            else:
                did.append({"kind": kind, "member_id": id, "occurred_at": when, "recorded_at": when, "day": day,
                            "source": "shop"})  # fmt: skip
    for table, rows in ((Recipient, sent), (Event, did), (Purchase, bought)):
        session.execute(insert(table), rows)


def _far(life: Life, since: datetime, until: datetime) -> int | None:
    """The last step taken; None for who was not reached in the window."""
    reached = [when for kind, when, _, amount in life if kind == "sent" and amount and since <= when < until]
    if not reached:
        return None
    latest, ends, far, order_day = min(reached), min(reached) + timedelta(days=30), 0, None
    for step in STEPS[1:-1]:
        of = EVENTS.get(step, "bought")
        times = [(when, day) for kind, when, day, amount in life
                 if kind == of and latest < when <= ends and (step != "order" or amount)]  # fmt: skip
        if times:
            latest, day = min(times)
            far = STEPS.index(step)
            order_day = day if step == "order" else order_day
    if order_day is None:
        return far
    bought = [day for kind, _, day, amount in life if kind == "bought" and amount]
    again = any(order_day < day <= order_day + timedelta(days=90) for day in bought)
    return STEPS.index("repurchase") if again else far
