"""Scoring only those whom something changed for gives exactly what scoring everyone gives, whatever happens."""

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import purchasing
from domain.operations.purchasing import Line
from domain.operations.recording import note_history, record
from domain.scores._everyone import CYCLE, with_cycles
from domain.scores._figures import everyone
from jobs import scores
from jobs.runner import quiet
from models.member import Member
from models.programme import the_brand
from models.purchase import Purchase
from models.score import MemberScore, ScoreDue, ScoreRun
from models.session import Sessions
from tests.support.factories import make_member, make_purchase, numbers
from tests.support.moments import NOW

SILENT_DAYS = (1, 1, 1, 1, 2, 2, 3, 7, 30)


# Where people stand among each other, which no night computes person by person: tests/domain/scores/test_rfm_quintiles.
RANKED = {"quintile_r", "quintile_f", "quintile_m", "quintile_group"}


def stored(session: Session) -> dict[int, Any]:
    names = [column.name for column in MemberScore.__table__.columns if column.name not in {"as_of", *RANKED}]
    rows = session.execute(select(*(getattr(MemberScore, name) for name in names)))
    return {row.member_id: row._asdict() for row in rows}


def computed(session: Session, now: datetime) -> dict[int, Any]:
    """What everyone's scores are, from the orders and events themselves."""
    calendar, brand = calendar_of(session), the_brand(session)
    everyones = session.get_one(ScoreRun, 1).everyones_gap
    query = with_cycles(
        calendar.day_of(now) - timedelta(days=1), calendar=calendar, currency=brand.currency, everyones=everyones,
        among=everyone,
    )  # fmt: skip
    rows = {row.member_id: row._asdict() for row in session.execute(query)}
    return {member_id: {name: row[name] for name in row if name != "as_of"} for member_id, row in rows.items()}


def forget_marks(sessions: Sessions) -> None:
    """As if all that is recorded were recorded long before the last night."""
    with sessions.writing() as session:
        session.execute(text("UPDATE purchase SET changed_at = NULL"))
        session.commit()


def night(sessions: Sessions, now: datetime) -> dict[str, Any]:
    report = scores.run(sessions, now=now, progress=quiet)
    with sessions.reading() as session:
        found = stored(session)
        assert found == computed(session, now)
        assert session.scalars(select(ScoreDue)).all() == []
    forget_marks(sessions)
    return report


class Life:
    """Things that happen to a handful of people, at random but the same each time."""

    def __init__(self, session: Session, dice: random.Random, now: datetime) -> None:
        self.session, self.dice, self.now = session, dice, now
        self.people = list(session.scalars(select(Member).where(Member.erased_at.is_(None)).order_by(Member.id)))

    def someone(self) -> Member:
        return self.dice.choice(self.people)

    def earlier(self, days: int) -> datetime:
        """Within so many days; often just now."""
        some = timedelta(days=self.dice.randrange(days), minutes=self.dice.randrange(1440))
        return self.now - self.dice.choice((timedelta(0), some))

    def buys(self) -> None:
        purchasing.record_order(
            self.session, order_ref=f"L{next(numbers)}", paid_at=self.earlier(self.dice.choice((1, 3, 800))),
            lines=[Line(line_no=1, sku="tea", amount=self.dice.randrange(100, 9000), category=self.dice.choice("ab "))],
            member_id=self.dice.choice([self.someone().id, self.someone().id, None]), buyer_ref="0912", source="pos",
            now=self.now,
        )  # fmt: skip

    def sends_back(self) -> None:
        refs = list(self.session.scalars(select(Purchase.order_ref).order_by(Purchase.id)))
        if refs:
            purchasing.record_order(
                self.session, order_ref=f"R{next(numbers)}", paid_at=self.now, member_id=self.someone().id,
                lines=[Line(line_no=1, sku="tea", amount=5000, kind="refund", refund_of=self.dice.choice(refs))],
                source="pos", now=self.now,
            )  # fmt: skip

    def is_known_at_last(self) -> None:
        nobodys = select(Purchase.id).where(Purchase.member_id.is_(None)).limit(1)
        given = update(Purchase).where(Purchase.id.in_(nobodys.scalar_subquery()))
        self.session.execute(given.values(member_id=self.someone().id))

    def acts(self) -> None:
        kind = self.dice.choice(
            ("clicked", "texted", "referred", "referred", "tagged", "browsed", "carted", "picked_up")
        )
        at = self.earlier(self.dice.choice((1, 31, 100, 400)))
        record(self.session, kind, member_id=self.someone().id, source="line", occurred_at=at, now=self.now)

    def appears(self) -> None:
        make_member(self.session, registered=self.dice.random() < 0.5, created_at=self.now, registered_at=None)

    def registers(self) -> None:
        person = self.someone()
        if person.registered_at is None:
            person.registered_at = self.now

    def is_in_a_file(self) -> None:
        person = self.someone()
        joined = self.earlier(500)
        person.registered_at = min(joined, person.registered_at or joined)
        person.created_at = min(joined, person.created_at)
        note_history(self.session, [person.id], now=self.now)

    def leaves(self) -> None:
        if len(self.people) > 4:
            self.someone().erased_at = self.now


HAPPENINGS = (
    *("buys",) * 6, *("acts",) * 4, "sends_back", "sends_back", "is_known_at_last", "appears", "registers",
    "is_in_a_file", "leaves",
)  # fmt: skip


def populate(session: Session, dice: random.Random) -> None:
    """People whose orders, referrals and joining lie all around the ends of the windows."""
    for _ in range(30):
        joined = NOW - timedelta(days=dice.choice((25, 28, 31, 300)))
        person = make_member(session, friend=False, registered_at=joined, created_at=joined)
        for days in dice.sample(
            (20, 27, 40, 62, 88, 91, 178, 355, 362, 366, 370, 500, 720, 729, 735, 1090, 1094, 1099), dice.randrange(6)
        ):
            make_purchase(session, person, paid_at=NOW - timedelta(days=days), amount=dice.choice((500, 4_000)))
        for n, days in enumerate(dice.sample((10, 20, 80, 86, 355, 360, 364, 370), dice.choice((0, 0, 3)))):
            at = NOW - timedelta(days=days)
            record(session, "referred", member_id=person.id, source="form", object=f"M{n}", occurred_at=at, now=at)
    session.commit()


def live(sessions: Sessions, dice: random.Random, now: datetime, happenings: int) -> None:
    with sessions.writing() as session:
        for _ in range(happenings):
            life = Life(session, dice, now)
            getattr(life, dice.choice(HAPPENINGS))()
            session.flush()
        session.commit()


@pytest.mark.parametrize("seed", range(2))
def test_a_random_life_scored_step_by_step_is_what_scoring_everyone_gives(sessions: Sessions, seed: int) -> None:
    dice, now = random.Random(seed), NOW
    with sessions.writing() as session:
        populate(session, dice)
    differences = 0
    for _ in range(12):
        live(sessions, dice, now, dice.randrange(6))
        now += timedelta(days=dice.choice(SILENT_DAYS))
        live(sessions, dice, now - timedelta(hours=2), dice.randrange(6))  # the day has begun that the night leaves out
        differences += night(sessions, now).get("differences", 0)
    assert differences == 0


def test_a_quiet_night_looks_at_almost_nobody(sessions: Sessions) -> None:
    with sessions.writing() as session:
        for _ in range(20):
            make_purchase(session, make_member(session), paid_at=NOW - timedelta(days=10), amount=500)
        session.commit()
    assert night(sessions, NOW)["everyone"]
    report = night(sessions, NOW + timedelta(days=1))
    assert (report["everyone"], report["due"], report["changed"]) == (False, 0, 0)


def test_a_late_order_of_long_ago_is_seen(sessions: Sessions) -> None:
    with sessions.writing() as session:
        member = make_member(session)
        session.commit()
    night(sessions, NOW)
    with sessions.writing() as session:
        make_purchase(session, member, paid_at=NOW - timedelta(days=200), amount=500)
        session.commit()
    report = night(sessions, NOW + timedelta(days=1))
    assert (report["due"], report["changed"]) == (1, 1)


def test_an_order_of_a_day_that_had_not_ended_is_seen_the_night_after(sessions: Sessions) -> None:
    with sessions.writing() as session:
        make_purchase(session, make_member(session), paid_at=NOW - timedelta(minutes=5), amount=500)
        session.commit()
    night(sessions, NOW)
    assert night(sessions, NOW + timedelta(days=1))["changed"] == 1


def test_a_member_is_new_for_thirty_days(sessions: Sessions) -> None:
    joined = NOW - timedelta(days=30)
    with sessions.writing() as session:
        member = make_member(session, registered_at=joined, created_at=joined)
        acted = joined + timedelta(days=5)
        record(session, "clicked", member_id=member.id, source="link", occurred_at=acted, now=acted)
        session.commit()
    states = []
    for days in range(4):
        night(sessions, NOW + timedelta(days=days))
        with sessions.reading() as session:
            states.append(session.get_one(MemberScore, member.id).napl)
    assert states == ["N", "N", "A", "A"]


def test_every_way_to_write_an_order_marks_it(session: Session) -> None:
    def marks() -> list[datetime | None]:
        session.expire_all()
        found = list(session.scalars(select(Purchase.changed_at)))
        session.execute(text("UPDATE purchase SET changed_at = NULL"))
        return found

    values = {"order_ref": "A", "paid_at": NOW, "day": NOW.date(), "recorded_at": NOW}
    session.execute(insert(Purchase), [values])
    assert all(marks())
    order = session.scalars(select(Purchase)).one()
    session.execute(update(Purchase), [{"id": order.id, "buyer_ref": "0912"}])
    assert all(marks())
    session.execute(update(Purchase).where(Purchase.id == order.id).values(net_amount=5))
    assert all(marks())
    session.get_one(Purchase, order.id).net_amount = 7
    session.flush()
    assert all(marks())


def test_a_killed_night_leaves_the_rest_to_the_next(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    from domain.operations import scoring

    monkeypatch.setattr(scoring, "PIECE", 2)
    monkeypatch.setattr(scores, "HANDS", 1)
    with sessions.writing() as session:
        for _ in range(5):
            make_member(session)
        session.commit()

    def killed_at_the_second(words: str) -> None:
        raise KeyboardInterrupt(words)

    with pytest.raises(KeyboardInterrupt):
        scores.run(sessions, now=NOW, progress=killed_at_the_second)
    with sessions.reading() as session:
        assert (len(stored(session)), len(session.scalars(select(ScoreDue)).all())) == (2, 3)
    report = night(sessions, NOW)
    assert (report["everyone"], report["due"], report["changed"]) == (False, 3, 3)


def test_the_weekly_comparison_finds_and_mends_what_differs(sessions: Sessions) -> None:
    with sessions.writing() as session:
        member = make_member(session)
        make_purchase(session, member, paid_at=NOW - timedelta(days=10), amount=500)
        session.commit()
    night(sessions, NOW)
    with sessions.writing() as session:
        session.execute(update(MemberScore).values(purchase_days=9))
        session.commit()
    assert "compared" not in scores.run(sessions, now=NOW + timedelta(days=6), progress=quiet)
    report = night(sessions, NOW + timedelta(days=7))
    assert (report["compared"], report["differences"]) == (True, 1)


def test_an_order_that_comes_during_the_comparing_night_is_no_difference(
    sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "HANDS", 1)
    with sessions.writing() as session:
        member, late = make_member(session), make_member(session)
        make_purchase(session, member, paid_at=NOW - timedelta(days=10), amount=500)
        session.commit()
    night(sessions, NOW)
    with sessions.writing() as session:
        make_purchase(session, member, paid_at=NOW - timedelta(days=5), amount=500)
        session.commit()
    came: list[str] = []

    def comes(words: str) -> None:
        if not came:
            came.append(words)
            with sessions.writing() as session:
                make_purchase(session, late, paid_at=NOW - timedelta(days=8), amount=500)
                session.commit()

    report = scores.run(sessions, now=NOW + timedelta(days=7), progress=comes)
    assert came
    assert (report["compared"], report["differences"]) == (True, 0)


def test_a_changed_rule_scores_everyone_anew(sessions: Sessions) -> None:
    with sessions.writing() as session:
        make_member(session)
        session.commit()
    night(sessions, NOW)
    with sessions.writing() as session:
        the_brand(session).currency = "JPY"
        session.commit()
    assert night(sessions, NOW + timedelta(days=1))["everyone"]


def test_all_that_is_stored_is_compared() -> None:
    assert set(CYCLE) < {column.name for column in MemberScore.__table__.columns}
