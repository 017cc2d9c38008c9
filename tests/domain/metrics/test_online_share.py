"""Online sales by amount, on both databases (definitions §10)."""

from datetime import date

from sqlalchemy.orm import Session

from domain.calendar import Month, calendar_of
from domain.metrics import rates
from domain.metrics._counting import TOP, people
from domain.metrics._shape import Period
from tests.support.factories import make_member, make_purchase, make_store
from tests.support.journey import figure, local, share


def test_money_counts_and_people_are_behind_it(session: Session) -> None:
    at, store = local(session, date(2026, 2, 5)), make_store(session)
    member, other = make_member(session), make_member(session)
    make_purchase(session, member, paid_at=at, amount=300, channel="shop")
    make_purchase(session, member, paid_at=at, amount=100, channel="shop")
    make_purchase(session, other, paid_at=at, amount=500, channel="web", store_id=store.id)
    make_purchase(session, None, paid_at=at, amount=100, channel="POS")
    as_of = local(session, date(2026, 3, 20))
    assert share(figure(session, "online_share", "2026-02", as_of=as_of)) == (400, 1000)
    period = Period(Month(2026, 2), calendar_of(session), as_of)
    sides = {side: people(rates()["online_share"], period, place=TOP, side=side) for side in ("who", "of")}
    assert [row[0] for row in session.execute(sides["who"])] == [member.id]
    assert {row[0] for row in session.execute(sides["of"])} == {member.id, other.id}
