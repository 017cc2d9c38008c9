"""I11: balance = lots = lines after any sequence of earning, using, refunds, ends, merges and their undoing."""

from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, delete, func, select
from sqlalchemy.orm import Session

from domain.errors import Refusal
from domain.operations import granting, pointing, spending
from domain.operations.expiring_points import expire_some
from domain.operations.merging import merge
from domain.operations.purchasing import Line, record_order
from domain.operations.unmerging import unmerge
from domain.reports.points import balance_of, differing
from domain.scores.points import kept
from models.member import Member
from models.merge import Merge
from models.points import PointLine, PointLot
from models.purchase import Purchase, PurchaseLine
from models.staff import Staff
from tests.support.factories import make_member
from tests.support.moments import NOW
from tests.support.purse import have_points

PEOPLE = st.integers(0, 2)
POINTS = st.integers(1, 40)
SOME = st.integers(0, 9)


class Purses(RuleBasedStateMachine):
    """Three records of one or more people, whose time goes on."""

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        self.session = Session(self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        self.now, self.counted = NOW, 0
        self.orders: list[str] = []
        self.spent: list[tuple[int, str]] = []

    def teardown(self) -> None:
        try:
            if hasattr(self, "members"):
                self.making_the_lots_again_changes_nothing()
        finally:
            self.session.close()
            self.outer.rollback()
            self.connection.close()

    @initialize()
    def begin(self) -> None:
        have_points(self.session, expire_days=60, pending_days=3)
        self.members = [make_member(self.session, friend=n == 0).id for n in range(3)]
        staff = Staff(login="mei", name="Mei", role="owner", language="en", created_at=NOW, password_hash="x")
        self.session.add(staff)
        self.session.flush()
        self.staff_id = staff.id

    def next(self) -> str:
        self.counted += 1
        return f"n{self.counted}"

    def member(self, n: int) -> Member:
        """The record that answers for the n-th today."""
        found = self.session.get_one(Member, self.members[n])
        while found.merged_into_id is not None:
            found = self.session.get_one(Member, found.merged_into_id)
        return found

    def order(self, ref: str, member_id: int | None, days: int, **line: Any) -> None:
        record_order(
            self.session, order_ref=ref, member_id=member_id, paid_at=self.now - timedelta(days=days),
            lines=[Line(1, "tea", **line)], source="pos", now=self.now,
        )  # fmt: skip

    @rule(n=PEOPLE, amount=st.integers(50, 4_000), days=st.integers(0, 100))
    def buys(self, n: int, amount: int, days: int) -> None:
        ref = self.next()
        self.orders.append(ref)
        self.order(ref, self.members[n], days, amount=amount)

    @precondition(lambda self: self.orders)
    @rule(which=SOME, amount=st.integers(1, 4_000), days=st.integers(0, 30))
    def is_paid_back(self, which: int, amount: int, days: int) -> None:
        of = self.orders[which % len(self.orders)]
        self.order(self.next(), None, days, amount=amount, kind="refund", refund_of=of)

    @rule(n=PEOPLE, back=st.integers(1, 3_000), amount=st.integers(50, 3_000), days=st.integers(0, 20))
    def is_paid_back_before_we_know_what_was_bought(self, n: int, back: int, amount: int, days: int) -> None:
        ref = self.next()
        self.order(self.next(), None, 0, amount=back, kind="refund", refund_of=ref)
        self.orders.append(ref)
        self.order(ref, self.members[n], days, amount=amount)

    @rule(n=PEOPLE, points=POINTS)
    def uses(self, n: int, points: int) -> None:
        member, ref = self.member(n), self.next()
        before = balance_of(self.session, member.id, now=self.now)
        try:
            spending.spend(self.session, member, points=points, ref=ref, staff_id=self.staff_id, now=self.now)
        except Refusal:
            assert before.usable < points
            return
        assert before.usable >= points
        self.spent.append((n, ref))

    @precondition(lambda self: self.spent)
    @rule(which=SOME)
    def takes_a_use_back(self, which: int) -> None:
        n, ref = self.spent[which % len(self.spent)]
        try:
            spending.undo(self.session, self.member(n), ref=ref, staff_id=self.staff_id, now=self.now)
        except Refusal:
            return

    @rule(n=PEOPLE, points=POINTS, days=st.one_of(st.none(), st.integers(1, 90)))
    def is_given(self, n: int, points: int, days: int | None) -> None:
        value = {"points": points, "days": days} if days else points
        granting.grant(
            self.session, member_id=self.member(n).id, benefit={"points": value}, cause=self.next(), now=self.now
        )

    @rule(n=PEOPLE, points=st.integers(-40, 40).filter(bool))
    def is_corrected(self, n: int, points: int) -> None:
        try:
            spending.adjust(
                self.session, self.member(n), points=points, reason="counted wrong", ref=self.next(),
                staff_id=self.staff_id, now=self.now,
            )  # fmt: skip
        except Refusal:
            assert points < 0

    @rule(minutes=st.sampled_from([3, 8, 60 * 24, 60 * 24 * 15, 60 * 24 * 70]))
    def time_goes_on(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def night_falls(self) -> None:
        while expire_some(self.session, now=self.now, limit=2):
            pass

    @rule(one=PEOPLE, other=PEOPLE)
    def are_joined(self, one: int, other: int) -> None:
        try:
            merge(self.session, self.member(one), self.member(other), staff_id=self.staff_id, now=self.now)
        except Refusal:
            return

    @rule(which=SOME)
    def are_parted(self, which: int) -> None:
        merges = self.session.scalars(select(Merge).where(Merge.undone_at.is_(None)).order_by(Merge.id)).all()
        if merges:
            unmerge(self.session, merges[which % len(merges)], staff_id=self.staff_id, now=self.now)

    @invariant()
    def the_lots_are_worth_the_lines(self) -> None:
        assert differing(self.session) == []

    @invariant()
    def every_order_has_earned_what_it_now_should(self) -> None:
        sold = (
            select(func.sum(PurchaseLine.amount))
            .where(PurchaseLine.purchase_id == Purchase.id, PurchaseLine.kind == "sale")
            .scalar_subquery()
        )
        earned = (
            select(func.sum(PointLine.points))
            .where(PointLine.purchase_id == Purchase.id, PointLine.member_id == Purchase.member_id)
            .scalar_subquery()
        )
        query = select(Purchase.order_ref, sold, Purchase.net_amount, earned).where(Purchase.member_id.is_not(None))
        for ref, gross, net, points in self.session.execute(query):
            if gross:
                assert points == kept(gross // 100, gross=gross, net=net), ref

    @rule()
    def making_the_lots_again_changes_nothing(self) -> None:
        """What was brought up step by step equals what is made from the lines alone."""
        pointing.settle(self.session, self.members, now=self.now)
        before = self.lots()
        self.session.execute(delete(PointLot))
        assert pointing.settle(self.session, self.members, now=self.now) == 0
        assert self.lots() == before
        assert differing(self.session) == []

    def lots(self) -> list[tuple[Any, ...]]:
        columns = (PointLot.line_id, PointLot.member_id, PointLot.remaining, PointLot.usable_at, PointLot.expires_at)
        return [tuple(row) for row in self.session.execute(select(*columns).order_by(PointLot.line_id))]


def test_points_add_up_after_any_sequence(shared_engine: Engine) -> None:
    machine = type("Machine", (Purses,), {"engine": shared_engine})
    few = 20 if shared_engine.dialect.name == "sqlite" else 6
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=few, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
