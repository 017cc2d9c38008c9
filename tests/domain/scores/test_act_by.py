"""The day to act by: the same figures as the arrays give, and the first day the band is worse."""

from datetime import date, timedelta

import numpy as np
import pytest

from domain.scores.act_by import act_by, p_buys
from domain.scores.models import mbg_nbd

PARAMS = {"r": 0.525, "alpha": 43.281, "a": 0.891, "b": 1.614}
DAY = date(2026, 6, 30)


@pytest.mark.parametrize(("x", "tx", "t"), [(0, 0, 272), (2, 213, 272), (7, 245, 272), (7, 70, 272), (600, 700, 1094)])
def test_one_person_is_judged_as_in_the_crowd(x: int, tx: int, t: int) -> None:
    crowd = mbg_nbd.with_params(PARAMS).p_buys(*(np.array([float(each)]) for each in (x, tx, t)), 90)
    assert p_buys(PARAMS, x, tx, t) == pytest.approx(crowd[0], rel=1e-9)


def test_the_day_a_faithful_buyer_falls_a_band() -> None:
    first, last = DAY - timedelta(days=272), DAY - timedelta(days=27)
    falls = act_by(PARAMS, first=first, last=last, repeats=7, day=DAY)
    assert falls is not None
    days = (falls - first).days
    assert p_buys(PARAMS, 7, 245, days) < 0.5 <= p_buys(PARAMS, 7, 245, days - 1)


def test_who_is_lost_already_has_no_such_day() -> None:
    assert act_by(PARAMS, first=DAY - timedelta(days=272), last=DAY - timedelta(days=202), repeats=7, day=DAY) is None
