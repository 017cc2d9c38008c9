"""The trend of what someone spends, on both databases."""

import pytest
from sqlalchemy import Integer, cast, literal, select
from sqlalchemy.orm import Session

from domain.scores.amount_trend import percent


@pytest.mark.parametrize(("now", "before", "trend"), [(100, 100, 100), (300, 200, 150), (0, 50, 0), (10, 0, None)])
def test_a_half_year_against_the_one_before(session: Session, now: int, before: int, trend: int | None) -> None:
    amounts = (cast(literal(amount), Integer) for amount in (now, before))
    assert session.scalar(select(percent(*amounts))) == trend
