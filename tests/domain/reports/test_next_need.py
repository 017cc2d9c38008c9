"""What somebody may want next: with evidence, the surest first, three at most."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations import purchasing
from domain.operations.purchasing import Line
from domain.reports.next_need import Need, next_needs
from models.member import Member
from models.score import KeptReport, MemberScore
from tests.support.factories import make_member, numbers
from tests.support.moments import NOW


def buy(session: Session, member: Member, days: int, *skus: str) -> None:
    lines = [Line(n, sku, 100, product=sku.title(), category="drinks") for n, sku in enumerate(skus, 1)]
    purchasing.record_order(
        session, order_ref=f"N{next(numbers)}", paid_at=NOW - timedelta(days=days), lines=lines, member_id=member.id,
        source="pos", now=NOW,
    )  # fmt: skip


def ago(session: Session, days: int) -> date:
    return calendar_of(session).day_of(NOW) - timedelta(days=days)


def test_what_runs_out_what_goes_with_it_and_what_they_like(session: Session) -> None:
    member = make_member(session)
    for days in (92, 61, 31):
        buy(session, member, days, "tea")
    buy(session, member, 20, "pot")
    buy(session, member, 400, "sugar")
    pairs = [["pot", "tea", 50, 60, 30], ["pot", "cups", 50, 40, 25], ["sugar", "spoon", 40, 40, 30]]
    session.add(
        KeptReport(
            name="basket:product", as_of=NOW.date(), made_at=NOW,
            document={"n": 900, "pairs": pairs, "names": {"cups": "Cups"}, "until": "2026-03-09"},
        )
    )  # fmt: skip
    session.add(MemberScore(member_id=member.id, as_of=NOW.date(), affinity=[["drinks", 4], ["odd", 1]]))
    session.flush()
    assert next_needs(session, member.id, now=NOW) == [
        Need("runs_out", "Tea", days=30, on=ago(session, 1)),
        Need("goes_with", "Cups", because="Pot", on=ago(session, 20)),
        Need("likes", "drinks", days=4),
    ]


def test_a_rhythm_long_given_up_and_a_stranger_say_nothing(session: Session) -> None:
    member = make_member(session)
    for days in (190, 160, 130):
        buy(session, member, days, "tea")
    assert next_needs(session, member.id, now=NOW) == []
    assert next_needs(session, make_member(session).id, now=NOW) == []
