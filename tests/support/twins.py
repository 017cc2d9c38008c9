"""The same life lived twice, with merges in between and without: whatever was joined and parted, the ends are equal.

A life is a list of deeds, each on one of four records by whose identity it happens. `live_twice` plays it
in savepoints and returns every figure of every record.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Conflict
from domain.operations import (
    granting,
    joining,
    merging,
    naming,
    pointing,
    purchasing,
    resolving,
    retagging,
    scoring,
    settling,
    tagging,
    tiering,
)
from domain.operations.importing_events import EventRow, import_events
from domain.operations.purchasing import Line
from domain.operations.recording import record
from domain.operations.unmerging import unmerge
from models.benefit import CouponClaim
from models.event import Event
from models.member import Identity, Member
from models.merge import Merge
from models.points import PointLine, PointLot
from models.programme import MemberTag, Tag, Tier, TierLine, the_brand
from models.purchase import Purchase
from models.score import MemberScore
from tests.support.factories import make_coupon, make_member, make_tag

RECORDS = 4
Deed = tuple[Any, ...]
Figures = dict[str, Any]
REF = ("LINE-0", "LINE-1", "POS-2", "POS-3")
POINTS = {
    "per": 100, "points": 1, "pending_days": 3, "since": "2020-01-01",
    "times": [{"key": "member_day", "times": 2, "on": {"month_days": [5, 8, 20]}}],
}  # fmt: skip

who = st.integers(0, RECORDS - 1)
joins = st.tuples(st.just("merge"), who, who)
deeds = st.one_of(
    joins,
    joins,
    joins,
    st.tuples(st.just("unmerge"), st.integers(0, 3)),
    st.tuples(st.just("buy"), who, st.integers(1, 40).map(lambda n: n * 100), st.integers(0, 500)),
    st.tuples(st.just("refund"), st.integers(0, 9), st.integers(1, 30).map(lambda n: n * 100)),
    st.tuples(st.just("act"), who, st.sampled_from(("clicked", "texted", "visited"))),
    st.tuples(st.just("tell"), who, st.sampled_from(("browsed", "visited")), st.integers(0, 60)),
    st.tuples(st.just("tag"), who),
    st.tuples(st.just("untag"), who),
    st.tuples(st.just("points"), who, st.integers(-60, 90).filter(bool)),
    st.tuples(st.just("coupon"), who),
    st.tuples(st.just("floor"), who),
    st.tuples(st.just("decide"), who, st.booleans()),
    st.tuples(st.just("register"), who),
    st.tuples(st.just("wait"), st.integers(1, 200)),
)
lives = st.lists(deeds, min_size=6, max_size=24)


def live_twice(session: Session, life: Sequence[Deed], *, now: datetime) -> tuple[list[Figures], list[Figures]]:
    """The figures of every record after this life with its merges, each undone in the end, and without any."""
    happened: set[int] = set(range(len(life)))
    joined = _live(session, life, happened, merges=True, now=now)
    return joined, _live(session, life, happened, merges=False, now=now)


def _live(session: Session, life: Sequence[Deed], happened: set[int], *, merges: bool, now: datetime) -> list[Figures]:
    """Plays what happened of a life, parts whoever is still joined at its end, and leaves no trace.

    What turns out not to happen (who is a member does not become one) is taken from `happened`.
    """
    outer = session.begin_nested()
    try:
        played = Play(session, merges=merges, now=now)
        for number, deed in enumerate(life):
            if not played.do(number, deed if number in happened else ("nothing",)):
                happened.discard(number)
        played.end()
        return [played.figures(record) for record in played.records]
    finally:
        outer.rollback()
        session.info.clear()
        session.expire_all()


class Play:
    """One run of a life."""

    def __init__(self, session: Session, *, merges: bool, now: datetime) -> None:
        self.session, self.merges, self.now = session, merges, now
        the_brand(session).points = POINTS
        session.add_all(
            Tier(key=key, rank=rank, threshold=threshold, name={"en": key})
            for rank, (key, threshold) in enumerate((("general", 0), ("silver", 2_000), ("gold", 5_000)))
        )
        self.staff_tag = make_tag(session, "by_hand", life_days=100)
        make_tag(session, "spender", rule={"condition": "spent", "amount": 3000, "days": 365})
        make_tag(session, "came", rule={"condition": "visited", "days": 90})
        self.coupon = make_coupon(session, "gift", valid_days=None)
        self.records = [self._made(n) for n in range(RECORDS)]
        self.ids = [each.id for each in self.records]
        self.orders: list[tuple[str, int]] = []

    def _made(self, n: int) -> Member:
        member = make_member(
            self.session, ref=f"R{n}", friend=n < 2, registered=n != 1, name=f"R{n}" if n != 1 else None,
            created_at=self.now - timedelta(days=600 - n), marketing_consent=None,
            **({} if n == 1 else {"registered_at": self.now - timedelta(days=600 - n)}),
        )  # fmt: skip
        shop = Identity(member_id=member.id, kind="shop", value=REF[n], created_at=self.now, verified_at=self.now)
        self.session.add(shop)
        self.session.flush()
        return member

    def do(self, number: int, deed: Deed) -> bool:
        """Whether it happened."""
        self.now += timedelta(hours=1)
        self.session.info.pop("came_by", None)  # each at a door of its own
        return getattr(self, f"_{deed[0]}")(number, *deed[1:]) is not False

    def _nothing(self, _number: int) -> None:
        """What did not happen takes its hour all the same."""

    def person(self, n: int) -> Member:
        return resolving.the_person(self.session, self.session.get_one(Member, self.ids[n]))

    def _merge(self, _number: int, one: int, other: int) -> None:
        if not self.merges:
            return
        kept, gone = (self.session.get_one(Member, self.ids[n]) for n in (one, other))
        try:
            merging.merge(self.session, kept, gone, staff_id=None, now=self.now)
        except Conflict:
            return

    def _unmerge(self, _number: int, which: int) -> None:
        found = self.session.scalars(select(Merge).where(Merge.undone_at.is_(None)).order_by(Merge.id)).all()
        if found:
            unmerge(self.session, found[which % len(found)], staff_id=None, now=self.now)

    def _buy(self, number: int, n: int, amount: int, days: int) -> None:
        ref, paid_at = f"order-{number}", self.now - timedelta(days=days)
        owner = naming.find_records(self.session, [REF[n]])[REF[n]]
        purchasing.record_order(
            self.session, order_ref=ref, paid_at=paid_at, lines=[Line(1, "tea", amount)], member_id=owner,
            source="test", now=self.now,
        )  # fmt: skip
        self.orders.append((ref, n))

    def _refund(self, number: int, which: int, amount: int) -> None:
        if not self.orders:
            return
        ref, n = self.orders[which % len(self.orders)]
        line = Line(1, "tea", amount, kind="refund", refund_of=ref)
        owner = naming.find_records(self.session, [REF[n]])[REF[n]]
        purchasing.record_order(
            self.session, order_ref=f"refund-{number}", paid_at=self.now, lines=[line], member_id=owner,
            source="test", now=self.now,
        )  # fmt: skip

    def _act(self, number: int, n: int, kind: str) -> None:
        record(self.session, kind, member_id=self.person(n).id, source="line", object=f"a{number}", now=self.now)

    def _tell(self, number: int, n: int, kind: str, days: int) -> None:
        row = EventRow(kind, REF[n], self.now - timedelta(days=days), "shop", object=f"t{number}")
        for _ in range(2):  # told twice, it happened once
            import_events(self.session, [row], now=self.now)

    def _tag(self, _number: int, n: int) -> None:
        tagging.give(self.session, [self.person(n).id], self.staff_tag, source="staff", now=self.now)

    def _untag(self, _number: int, n: int) -> bool:
        """Only what was given to the same record: nothing is there to take otherwise."""
        person = self.person(n)
        via = None if person.id == self.ids[n] else self.ids[n]
        held = select(MemberTag.id).where(
            MemberTag.member_id == person.id, MemberTag.via_id.is_not_distinct_from(via),
            MemberTag.tag_id == self.staff_tag.id, MemberTag.removed_at.is_(None),
        )  # fmt: skip
        if self.session.scalar(held) is None:
            return False
        tagging.take(self.session, [person.id], self.staff_tag, source="staff", now=self.now)
        return True

    def _points(self, number: int, n: int, points: int) -> None:
        person = self.person(n)
        pointing.lock(self.session, [person.id])
        row = {"member_id": person.id, "points": points, "reason": "adjusted" if points > 0 else "spent"}
        times = {"at": self.now, "usable_at": self.now} if points > 0 else {"at": self.now}
        pointing.write_lines(self.session, [{**row, **times, "cause": f"deed:{number}"}])
        pointing.put_in_step(self.session, [person.id], now=self.now)

    def _coupon(self, number: int, n: int) -> None:
        granting.grant(
            self.session, member_id=self.person(n).id, benefit={"coupon": "gift"}, cause=f"d{number}", now=self.now
        )

    def _floor(self, number: int, n: int) -> None:
        silver = self.session.scalars(select(Tier).where(Tier.key == "silver")).one()
        until = calendar_of(self.session).day_of(self.now + timedelta(days=90))
        tiering.grant_floor(
            self.session, self.person(n).id, tier=silver, until=until, reason="granted", cause=f"floor:{number}",
            now=self.now,
        )  # fmt: skip

    def _decide(self, _number: int, n: int, agrees: bool) -> None:
        joining.decide(self.session, self.person(n), agrees=agrees, wording="w", source="line", now=self.now)

    def _register(self, number: int, n: int) -> bool:
        return joining.register(
            self.session, self.person(n), name=f"N{n}", email=f"n{number}@example.com", consent=True,
            consent_wording="w", method="liff", now=self.now,
        )  # fmt: skip

    def _wait(self, _number: int, days: int) -> None:
        self.now += timedelta(days=days)
        self.night()

    def night(self) -> None:
        tagging.close_run_out(self.session, now=self.now)
        awake = [each for each, kept in resolving.roots(self.session, self.ids).items() if each == kept]
        settling.settle(self.session, awake, now=self.now)
        retagging.settle(self.session, awake, now=self.now)

    def end(self) -> None:
        """Everything joined is parted, in the order it was joined."""
        for made in self.session.scalars(select(Merge).where(Merge.undone_at.is_(None)).order_by(Merge.id)).all():
            unmerge(self.session, made, staff_id=None, now=self.now)
        self.night()
        self.session.flush()
        scoring.score(self.session, day=calendar_of(self.session).day_of(self.now), ids=(min(self.ids), max(self.ids)))
        self.session.expire_all()

    def figures(self, of: Member) -> Figures:
        """All that is known of a record."""
        member = self.session.get_one(Member, of.id)
        tier = self.session.get(Tier, member.tier_id) if member.tier_id else None
        return {
            "person": (member.name, member.email, member.registered_at, member.marketing_consent,
                       member.marketing_consent_at, member.created_at, member.merged_into_id),
            "tier": (tier.key if tier else None, member.tier_since, member.tier_until),
            # A line that says where late data led is dated when it was computed, which is when they were parted.
            "tier_lines": [each for each in self._rows(of, TierLine, TierLine.reason, TierLine.at)
                           if each[0] in ("joined", "upgraded", "granted")],
            "orders": self._rows(of, Purchase, Purchase.order_ref, Purchase.net_amount, Purchase.day),
            "events": sorted(
                tuple(map(str, row))
                for row in self.session.execute(
                    select(Event.kind, Event.object, Event.occurred_at, Event.source).where(
                        Event.member_id == of.id, Event.kind.not_in(("merged", "unmerged")), Event.source != "rule"
                    )
                )
            ),
            "points": self.session.scalar(select(func.sum(PointLine.points)).where(PointLine.member_id == of.id)) or 0,
            "lots": self._rows(of, PointLot, PointLot.remaining),
            "tags": sorted(
                self.session.scalars(
                    select(Tag.key)
                    .join(MemberTag, MemberTag.tag_id == Tag.id)
                    .where(MemberTag.member_id == of.id, MemberTag.removed_at.is_(None))
                )
            ),
            "coupons": self._rows(of, CouponClaim, CouponClaim.cause),
            "score": self._score(of),
        }  # fmt: skip

    def _rows(self, of: Member, model: Any, *columns: Any) -> list[tuple[str, ...]]:
        found = self.session.execute(select(*columns).where(model.member_id == of.id))
        return sorted(tuple(map(str, row)) for row in found)

    def _score(self, of: Member) -> tuple[Any, ...]:
        columns = [each for each in MemberScore.__table__.c if each.name != "member_id"]
        return tuple(self.session.execute(select(*columns).where(MemberScore.member_id == of.id)).one())
