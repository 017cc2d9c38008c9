"""RFM by quintiles on real rows of both databases (definitions §5), held against pandas."""

import random
from datetime import date, timedelta

import pandas
import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from domain.operations import ranking
from domain.scores import rfm_quintiles
from models.member import Member
from models.score import KeptReport, MemberScore
from tests.support.factories import make_member
from tests.support.moments import NOW

DAY = date(2026, 6, 30)
EVERYONE = (1, 1_000_000)
F9 = [1, 1, 1, 1, 1, 2, 2, 3, 5, 9]
R9 = [3, 10, 10, 25, 40, 60, 90, 120, 200, 300]


def put(session: Session, *, r: list[int], f: list[int], m: list[int]) -> list[int]:
    """Scored buyers with these figures; their ids."""
    ids = [make_member(session, friend=False).id for _ in r]
    for id, days, often, amount in zip(ids, r, f, m, strict=True):
        session.add(
            MemberScore(
                member_id=id, as_of=DAY - timedelta(days=1), last_day=DAY - timedelta(days=days),
                purchase_days=often, days_365=often, amount_365=amount,
            )
        )  # fmt: skip
    session.flush()
    return ids


def rank(session: Session, *, needed: int, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(rfm_quintiles, "NEEDED_BUYERS", needed)
    cut = ranking.cuts(session, day=DAY)
    moved = ranking.move_quintiles(session, day=DAY, cut=cut, ids=EVERYONE)
    ranking.keep_cuts(session, day=DAY, cut=cut, now=NOW)
    session.expire_all()
    return moved


def column(session: Session, name: str, ids: list[int]) -> list[int]:
    rows = dict(session.execute(select(MemberScore.member_id, getattr(MemberScore, name))).all())
    return [rows[id] for id in ids]


def test_EX_09_quintile_ties(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = put(session, r=R9, f=F9, m=F9)
    rank(session, needed=10, monkeypatch=monkeypatch)
    assert rfm_quintiles.cut_points(F9) == (5, 5, 10, 17)  # 1, 1, 2, 3.4, times five
    assert rfm_quintiles.cut_points(R9) == (50, 170, 360, 680)
    assert column(session, "quintile_f", ids) == [1, 1, 1, 1, 1, 3, 3, 4, 5, 5]
    assert column(session, "quintile_r", ids) == [5, 5, 5, 4, 3, 3, 2, 2, 1, 1]
    kept = session.get_one(KeptReport, ranking.KEPT).document
    assert (kept["buyers"], kept["frequency"]) == (10, [5, 5, 10, 17])


@pytest.mark.parametrize("seed", range(3))
def test_any_buyers_score_as_pandas_would_score_them(
    session: Session, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(seed)
    count = dice.randrange(100, 260)
    frame = pandas.DataFrame(
        {
            "r": [dice.choice((0, 1, 7, 30, dice.randrange(365))) for _ in range(count)],
            "f": [min(60, int(dice.paretovariate(1.1))) for _ in range(count)],
            "m": [dice.choice((100, 500, dice.randrange(1, 90_000))) for _ in range(count)],
        }
    )
    ids = put(session, r=frame.r.tolist(), f=frame.f.tolist(), m=frame.m.tolist())
    rank(session, needed=100, monkeypatch=monkeypatch)
    for name, of in (("quintile_r", frame.r), ("quintile_f", frame.f), ("quintile_m", frame.m)):
        # Rounded, because pandas' places carry the error of 0.6 in binary: a value on a cut must be on it.
        cuts = of.quantile([0.2, 0.4, 0.6, 0.8]).round(9)
        expected = of.map(lambda value, cuts=cuts: 1 + int((cuts < value).sum()))
        assert column(session, name, ids) == (6 - expected if name == "quintile_r" else expected).tolist(), name


def test_too_few_buyers_have_no_quintiles_and_lose_those_they_had(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = put(session, r=R9, f=F9, m=F9)
    rank(session, needed=10, monkeypatch=monkeypatch)
    assert rank(session, needed=11, monkeypatch=monkeypatch) == 10
    assert column(session, "quintile_group", ids) == [None] * 10
    assert session.get_one(KeptReport, ranking.KEPT).document == {}


def test_who_bought_nothing_in_a_year_is_no_buyer_and_moves_no_cut(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = put(session, r=[*R9, 400], f=[*F9, 0], m=[*F9, 0])
    rank(session, needed=10, monkeypatch=monkeypatch)
    assert column(session, "quintile_f", ids) == [1, 1, 1, 1, 1, 3, 3, 4, 5, 5, 0]
    assert column(session, "quintile_group", ids)[-1] == "none"


def test_only_those_whose_place_changed_are_written(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = put(session, r=R9, f=F9, m=F9)
    assert rank(session, needed=10, monkeypatch=monkeypatch) == 10
    assert rank(session, needed=10, monkeypatch=monkeypatch) == 0
    session.execute(update(MemberScore).where(MemberScore.member_id == ids[-1]).values(amount_365=1, as_of=NOW.date()))
    moved = rank(session, needed=10, monkeypatch=monkeypatch)
    assert 0 < moved < 10
    rows = session.scalars(select(MemberScore).where(MemberScore.as_of == DAY)).all()
    assert len([row for row in rows if session.get(Member, row.member_id)]) == 10
