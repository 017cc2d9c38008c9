"""How far someone came in 30 days: which events count, in which days, and that the furthest step wins."""

from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import Integer, cast, literal, select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.operations.recording import record
from domain.scores._figures import everyone
from domain.scores.funnel_stage import STAGES, stage, step_figures
from models.member import Member
from tests.support.factories import make_member

DAY = date(2026, 6, 30)


def happened(session: Session, member: Member, kind: str, at: datetime) -> None:
    record(session, kind, member_id=member.id, source="shop", object="tea", occurred_at=at, now=at)


def steps(session: Session) -> dict[int, tuple[int, int, int]]:
    rows = session.execute(step_figures(DAY, calendar_of(session), everyone))
    return {row.member_id: (row.browse, row.cart, row.pick_up) for row in rows}


@pytest.mark.parametrize(
    ("days", "browse", "cart", "pick_up", "expected"),
    [
        (0, 0, 0, 0, None), (0, 1, 0, 0, "browse"), (0, 9, 1, 0, "cart"), (1, 0, 0, 0, "order"), (1, 9, 9, 0, "order"),
        (1, 0, 0, 1, "pick_up"), (0, 0, 0, 1, "pick_up"), (2, 0, 0, 0, "repurchase"), (2, 0, 0, 9, "repurchase"),
    ],
)  # fmt: skip
def test_the_furthest_step_counts_and_implies_those_before(
    session: Session, days: int, browse: int, cart: int, pick_up: int, expected: str | None
) -> None:
    bought, *counts = (cast(literal(number), Integer) for number in (days, browse, cart, pick_up))
    columns = SimpleNamespace(**dict(zip(("browse", "cart", "pick_up"), counts, strict=True)))
    assert session.scalar(select(stage(bought, columns))) == expected
    assert expected is None or expected in STAGES


def test_each_step_counts_its_own_events(session: Session) -> None:
    member, other = make_member(session), make_member(session)
    noon = datetime.combine(DAY, time(4, 0), UTC)
    for kind in ("browsed", "favourited", "browsed", "carted", "checkout_started", "picked_up"):
        happened(session, member, kind, noon)
    happened(session, other, "carted", noon)
    make_member(session)  # who only follows us did no step
    assert steps(session) == {member.id: (3, 2, 1), other.id: (0, 1, 0)}


def test_thirty_days_are_whole_days_of_the_business(session: Session) -> None:
    calendar = calendar_of(session)
    first, over = calendar.start(DAY - timedelta(days=29)), calendar.end(DAY)
    moments = {
        "too early": first - timedelta(seconds=1),
        "first": first,
        "last": over - timedelta(seconds=1),
        "over": over,
    }
    people = {name: make_member(session) for name in moments}
    for name, at in moments.items():
        happened(session, people[name], "browsed", at)
    assert set(steps(session)) == {people["first"].id, people["last"].id}
