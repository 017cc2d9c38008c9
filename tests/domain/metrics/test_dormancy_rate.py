"""Asleep, of all and of those who ever bought, on both databases (definitions §6, EX-10's edges)."""

from datetime import date

from sqlalchemy.orm import Session

from tests.support.factories import make_member, make_purchase
from tests.support.journey import figure, happened, local, share


def test_the_ninetieth_day_is_awake_and_the_next_is_not(session: Session) -> None:
    def joined(day: date) -> object:
        return make_member(session, friend=False, registered_at=local(session, day))

    end = local(session, date(2026, 7, 20))
    joined(date(2026, 6, 20))  # new
    joined(date(2026, 5, 1))  # silent for 60 days
    joined(date(2026, 3, 1))  # silent for 121 days
    clicked = joined(date(2026, 3, 1))
    happened(session, clicked, "clicked", local(session, date(2026, 6, 25)), data={"url": "/"})
    for day in (date(2026, 4, 1), date(2026, 3, 31)):  # 90 and 91 days before the end
        make_purchase(session, joined(date(2026, 1, 1)), paid_at=local(session, day), amount=100)
    found = figure(session, "dormancy_rate", "2026-06", as_of=end)
    assert share(found) == (2, 6)
    assert share(found.parts["ever_bought"]) == (1, 2)


def test_what_we_did_is_no_sign_of_life(session: Session) -> None:
    member = make_member(session, friend=False, registered_at=local(session, date(2026, 1, 1)))
    happened(session, member, "tagged", local(session, date(2026, 6, 1)), object="x")
    assert share(figure(session, "dormancy_rate", "2026-06", as_of=local(session, date(2026, 7, 20)))) == (1, 1)
