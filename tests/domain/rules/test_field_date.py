"""The condition field_date: stages of a child change by themselves."""

from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.errors import Invalid
from domain.rules import compile_rule, context_of, sentence, validate
from models.member import Member
from tests.support.factories import make_member

FIELD = "baby_born"


@pytest.mark.parametrize(
    ("born", "today", "months"),
    [
        ("2026-03-10", (2026, 3, 10), 0), ("2026-03-10", (2026, 4, 9), 0), ("2026-03-10", (2026, 4, 10), 1),
        ("2026-01-31", (2026, 2, 28), 1), ("2026-01-31", (2026, 2, 27), 0), ("2026-05-10", (2026, 3, 10), -2),
        ("2024-02-29", (2025, 2, 28), 12), ("2025-12-15", (2026, 1, 14), 0),
    ],
)  # fmt: skip
def test_a_person_is_in_exactly_one_stage_each_day(
    session: Session, born: str, today: tuple[int, int, int], months: int
) -> None:
    member = make_member(session, custom={FIELD: born})
    context = context_of(session, calendar_of(session).start(date(*today)))
    stages = [
        n for n in range(-3, 15)
        if session.scalar(
            select(Member.id).where(
                Member.id == member.id,
                compile_rule(
                    validate({"condition": "field_date", "field": FIELD, "at_least_months": n, "at_most_months": n}),
                    context,
                ),
            )
        )
    ]  # fmt: skip
    assert stages == [months]


def test_what_is_no_date_counts_for_nobody(session: Session) -> None:
    for value in ("soon", "2026", "", None, 20260101):
        make_member(session, custom={FIELD: value})
    make_member(session)
    rule = compile_rule(validate({"condition": "field_date", "field": FIELD, "at_most_months": 1200}),
                        context_of(session, calendar_of(session).start(date(2026, 3, 10))))  # fmt: skip
    assert session.scalars(select(Member.id).where(rule)).all() == []


def test_it_needs_an_edge_and_says_itself() -> None:
    with pytest.raises(Invalid):
        validate({"condition": "field_date", "field": FIELD})
    said = {"condition": "field_date", "field": FIELD, "at_least_months": 6, "at_most_months": 11}
    assert sentence(validate(said), "en") == "is 6 to 11 months from baby_born"
