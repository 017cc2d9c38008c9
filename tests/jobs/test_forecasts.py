"""What the models expect of buyers, through the night's job: from orders to bands, checks and refusals."""

from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from domain.calendar import calendar_of
from domain.scores.models import bg_nbd, gamma_gamma, mbg_nbd
from jobs import scores
from jobs.runner import quiet
from models.member import Member
from models.programme import the_brand
from models.purchase import Purchase
from models.score import Forecast, MemberForecast, ModelFit
from models.session import Sessions
from tests.support.factories import make_member, make_purchase
from tests.support.moments import NOW

YESTERDAY = date(2026, 3, 9)


def crowd(session: Session, *, people: int = 450, longest: int = 500, seed: int = 7) -> None:
    """Buyers who come at rates of their own and leave some day, with amounts of their own."""
    dice, calendar = np.random.default_rng(seed), calendar_of(session)
    made = [
        {"ref": f"C{seed}-{n}", "name": "", "created_at": NOW - timedelta(days=600), "custom": {}}
        for n in range(people)
    ]
    ids = list(session.scalars(insert(Member).returning(Member.id), made))
    rows = []
    for n, id in enumerate(ids):
        day, rate, leaves, spends = 0.0, dice.gamma(0.9, 1 / 25), dice.beta(1.0, 3.0), 600 / dice.gamma(4, 1 / 3)
        first = float(dice.integers(1, longest))
        while day < first:
            at = NOW - timedelta(days=int(first - day))
            rows.append(
                {
                    "order_ref": f"X{seed}-{n}-{len(rows)}", "member_id": id, "paid_at": at, "recorded_at": at,
                    "day": calendar.day_of(at), "net_amount": max(1, int(dice.gamma(5, spends / 5))),
                }
            )  # fmt: skip
            if dice.random() < leaves:
                break
            day += 1 + dice.exponential(1 / rate)
    session.execute(insert(Purchase), rows)


def night(sessions: Sessions, now: datetime = NOW) -> dict[str, Any]:
    return scores.run(sessions, now=now, progress=quiet)


def everyone(session: Session) -> dict[int, MemberForecast]:
    return {row.member_id: row for row in session.scalars(select(MemberForecast))}


def test_every_buyer_has_a_band_and_the_bands_are_what_happened(sessions: Sessions) -> None:
    with sessions.writing() as session:
        crowd(session)
        never, ancient = make_member(session), make_member(session)
        make_purchase(session, ancient, paid_at=NOW - timedelta(days=1200), amount=500)
        session.commit()
    report = night(sessions)
    assert report["fitted"]
    with sessions.reading() as session:
        rows = everyone(session)
        fits = {fit.model: fit for fit in session.scalars(select(ModelFit))}
        assert (fits[mbg_nbd.NAME].refused, fits[gamma_gamma.NAME].refused) == (None, None)
        buyers = set(session.scalars(select(Purchase.member_id).where(Purchase.day <= YESTERDAY)))
        assert never.id not in rows
        assert set(rows) == buyers
        assert (rows[ancient.id].churn_band, rows[ancient.id].p_alive) == ("high", None)
        modelled = [row for id, row in rows.items() if id != ancient.id]
        assert {row.churn_band for row in modelled} == {"low", "middle", "high", "too_new"}
        assert all(row.p_buys_90d >= 0.5 for row in modelled if row.churn_band == "low")
        bands = [row.clv_band for row in sorted(modelled, key=lambda row: -row.expected_value_12m)]
        assert bands == sorted(bands)
        assert 0.2 <= bands.count("A") / len(bands) < 0.23
        # The look back: forecast as of 90 days ago, counted now.
        checked = session.scalars(select(Forecast).where(Forecast.happened.is_not(None))).all()
        assert {row.as_of for row in checked} == {YESTERDAY - timedelta(days=90)}
        expected, happened = (sum(getattr(row, name) for row in checked) for name in ("expected", "happened"))
        assert happened == pytest.approx(expected, rel=0.35)
        by_band = {row.band: row.happened / row.count for row in checked if row.count >= 30}
        assert by_band["high"] < by_band["middle"]


def test_a_night_run_twice_changes_nothing_and_time_alone_moves_probabilities(sessions: Sessions) -> None:
    with sessions.writing() as session:
        crowd(session)
        session.commit()
    night(sessions)
    again = night(sessions)
    assert (again["fitted"], again["forecasts_changed"]) == (False, 0)
    with sessions.reading() as session:
        before = {id: row.p_buys_90d for id, row in everyone(session).items()}
    assert 0 < night(sessions, NOW + timedelta(days=1))["forecasts_changed"] < len(before) / 4
    later = night(sessions, NOW + timedelta(days=10))
    assert not later["fitted"]
    with sessions.reading() as session:
        after = everyone(session)
        silent = [id for id in before if after[id].churn_band != "too_new"]
        assert np.mean([after[id].p_buys_90d < before[id] for id in silent]) > 0.9
        assert all(row.as_of >= YESTERDAY for row in after.values())


def test_what_a_killed_night_left_is_finished_by_the_next(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    from domain.operations import forecasting

    monkeypatch.setattr(forecasting, "PIECE", 200)
    with sessions.writing() as session:
        crowd(session)
        session.commit()

    def killed(words: str) -> None:
        if words.startswith("stored what is expected of 400"):
            raise KeyboardInterrupt(words)

    with pytest.raises(KeyboardInterrupt):
        scores.run(sessions, now=NOW, progress=killed)
    with sessions.reading() as session:
        assert len(everyone(session)) == 400
    report = night(sessions)
    with sessions.reading() as session:
        assert len(everyone(session)) == 400 + report["forecasts_changed"]
        assert session.scalar(select(func.count()).select_from(ModelFit)) == 3


def test_too_few_buyers_are_shown_by_how_long_ago_they_bought(sessions: Sessions) -> None:
    with sessions.writing() as session:
        bands = {1: "recent_30", 31: "recent_30", 32: "recent_90", 91: "recent_90", 92: "recent_180", 182: "older"}
        people = {days: make_member(session) for days in bands}
        for days, person in people.items():
            make_purchase(session, person, paid_at=NOW - timedelta(days=days), amount=500)
        session.commit()
    night(sessions)
    with sessions.reading() as session:
        rows = everyone(session)
        assert {days: rows[person.id].churn_band for days, person in people.items()} == bands
        assert {row.p_alive for row in rows.values()} == {None}
        assert {fit.refused for fit in session.scalars(select(ModelFit))} == {"few_buyers", "few_values"}
        assert session.scalars(select(Forecast)).all() == []


def test_a_refused_model_is_tried_again_as_soon_as_there_are_people(sessions: Sessions) -> None:
    with sessions.writing() as session:
        make_purchase(session, make_member(session), paid_at=NOW - timedelta(days=9), amount=500)
        session.commit()
    assert night(sessions)["fitted"]
    with sessions.writing() as session:
        crowd(session)
        session.commit()
    assert night(sessions, NOW + timedelta(days=1))["fitted"]
    with sessions.reading() as session:
        fits = session.scalars(select(ModelFit).where(ModelFit.model.in_(("mbg_nbd", "gamma_gamma"))))
        assert [fit.refused for fit in fits] == [None, None]
        assert {row.churn_band for row in everyone(session).values()} <= {"low", "middle", "high", "too_new"}
    assert not night(sessions, NOW + timedelta(days=2))["fitted"]
    assert night(sessions, NOW + timedelta(days=30))["fitted"]


def test_no_forecast_outlives_the_purchases_it_rests_on(sessions: Sessions) -> None:
    with sessions.writing() as session:
        refunded, erased = make_member(session), make_member(session)
        for person in (refunded, erased):
            make_purchase(session, person, paid_at=NOW - timedelta(days=9), amount=500)
        session.commit()
    night(sessions)
    with sessions.writing() as session:
        session.execute(update(Purchase).where(Purchase.member_id == refunded.id).values(net_amount=0))
        session.get_one(Member, erased.id).erased_at = NOW
        session.commit()
    night(sessions, NOW + timedelta(days=1))
    with sessions.reading() as session:
        assert everyone(session) == {}


def test_half_the_margin_is_half_the_value(sessions: Sessions) -> None:
    with sessions.writing() as session:
        crowd(session)
        session.commit()
    night(sessions)
    with sessions.writing() as session:
        whole = {id: row.expected_value_12m for id, row in everyone(session).items()}
        the_brand(session).margin_percent = 50
        session.commit()
    night(sessions)
    with sessions.reading() as session:
        half = {id: row.expected_value_12m for id, row in everyone(session).items()}
    assert all(half[id] == pytest.approx(whole[id] / 2, abs=1) for id in whole)


def test_who_bought_once_is_alive_for_certain_only_by_the_other_model() -> None:
    """Why nobody is ranked by BG/NBD."""
    params = {"r": 0.243, "alpha": 30.9, "a": 0.793, "b": 2.426}
    once = np.zeros(1), np.zeros(1), np.array([700.0])
    assert bg_nbd.with_params(params).p_alive(*once)[0] == 1
    assert mbg_nbd.with_params(params).p_alive(*once)[0] < 0.6


def test_first_buyers_are_judged_by_their_first_order_while_their_days_run(sessions: Sessions) -> None:
    """Web buyers come back, shop buyers do not."""
    with sessions.writing() as session:
        made = [{"ref": f"F{n}", "name": "", "created_at": NOW - timedelta(days=700), "custom": {}} for n in range(500)]
        ids = list(session.scalars(insert(Member).returning(Member.id), made))
        calendar, rows = calendar_of(session), []
        for n, id in enumerate(ids):
            ago, channel = 100 + n if n < 440 else n - 430, ("web", "shop")[n % 2]
            comes_back = n < 440 and (n % 2 == 0) != (n % 9 == 0)
            for days in (ago, ago - 40) if comes_back else (ago,):
                at = NOW - timedelta(days=days)
                rows.append(
                    {
                        "order_ref": f"F{id}-{days}", "member_id": id, "paid_at": at, "recorded_at": at,
                        "day": calendar.day_of(at), "net_amount": 500 + n % 7, "channel": channel,
                    }
                )  # fmt: skip
        session.execute(insert(Purchase), rows)
        session.commit()
    night(sessions)
    with sessions.reading() as session:
        fit = session.scalars(select(ModelFit).where(ModelFit.model == "first_buyer")).one()
        assert fit.refused is None
        said = {id: row for id, row in everyone(session).items() if row.likely_again is not None}
        assert set(said) == set(ids[440:])
        assert {row.likely_again_band for id, row in said.items() if ids.index(id) % 2 == 0} == {"likely"}
        assert {row.likely_again_band for id, row in said.items() if ids.index(id) % 2 == 1} == {"unlikely"}
    with sessions.writing() as session:
        make_purchase(session, session.get_one(Member, ids[450]), paid_at=NOW, amount=500)
        session.commit()
    night(sessions, NOW + timedelta(days=85))
    with sessions.reading() as session:
        said = {id for id, row in everyone(session).items() if row.likely_again is not None}
        assert said == set()
