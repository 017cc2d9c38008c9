"""The purchases every paper uses, through the product: imported from a file, scored by the night, written out again.

Parameters as published by Fader, Hardie & Lee (2005), Batislam et al. (2007) and Fader & Hardie (2013); times in
weeks there, in days here.
"""

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app
from domain.operations import forecasting
from domain.scores.models import bg_nbd
from models.member import Member
from models.programme import the_brand
from models.score import Forecast, MemberForecast, ModelFit
from models.session import Sessions
from settings import Settings
from tests.api.conftest import SECRET, Desk
from tests.support import cdnow

pytestmark = [cdnow.needs_it, pytest.mark.timeout(900)]
WEEK = 7
LATER = cdnow.CALIBRATED + timedelta(days=90)


@pytest.fixture
def app(sessions: Sessions, database_url: str) -> Flask:
    """The product of a shop that takes dollars."""
    with sessions.writing() as session:
        the_brand(session).currency = "USD"
        session.commit()
    return create_app(Settings(database_url=database_url, secret_key=SECRET, currency="USD"), sessions)


def load(desk: Desk, folder: Path) -> None:
    """The sample as a shop hands it in, and the night after the last day the papers fit to."""
    cdnow.write(folder)
    desk.load("members", folder / "members.csv")
    desk.load("purchases", folder / "purchases.csv")
    night(desk, cdnow.CALIBRATED)


def night(desk: Desk, day: date) -> None:
    done = desk.run("job", "scores", "--now", f"{day + timedelta(days=1)}T03:10:00+08:00")
    assert done.exit_code == 0, done.output


def in_weeks(found: ModelFit, repeats: float) -> tuple[list[float], float]:
    """Parameters and log-likelihood as of times in weeks."""
    params = dict(found.params)
    params["alpha"] /= WEEK
    assert found.log_likelihood is not None
    return [params[name] for name in ("r", "alpha", "a", "b")], found.log_likelihood + repeats * float(np.log(WEEK))


def test_the_published_figures_come_out_of_the_imported_orders(desk: Desk, sessions: Sessions, tmp_path: Path) -> None:
    load(desk, tmp_path)
    with sessions.reading() as session:
        buyers = forecasting.buyers(session, day=cdnow.CALIBRATED)
        fits = {fit.model: fit for fit in session.scalars(select(ModelFit))}
        repeats = float(buyers.x.sum())
        ours, _ = in_weeks(fits["mbg_nbd"], repeats)
        assert ours == pytest.approx([0.525, 6.183, 0.891, 1.614], abs=6e-4)
        reference = bg_nbd.fit(buyers.histories())
        theirs, likelihood = in_weeks(
            ModelFit(params=reference.params, log_likelihood=reference.log_likelihood), repeats
        )
        assert theirs == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=6e-4)
        assert likelihood == pytest.approx(-9582.4, abs=0.05)
        value = fits["gamma_gamma"].params
        assert [value[name] for name in "pqv"] == pytest.approx([6.25, 3.74, 15.44], abs=6e-3)
        # EX-17's second customer, as everybody else: bought twice more, the last time in week 30.43.
        row = session.scalars(
            select(MemberForecast).join(Member, Member.id == MemberForecast.member_id).where(Member.ref == "0001")
        ).one()
        assert (row.p_alive, row.p_buys_90d) == pytest.approx((0.7062, 0.3316), abs=2e-4)
        assert row.churn_band == "middle"
    night(desk, LATER)
    check_later(desk, sessions, tmp_path / "out")


def check_later(desk: Desk, sessions: Sessions, out: Path) -> None:
    """The forecast of that night against the 90 days after it, and what is written out."""
    with sessions.reading() as session:
        rows = session.scalars(select(Forecast).where(Forecast.as_of == cdnow.CALIBRATED)).all()
        until = [day for _, day, _amount in cdnow.purchases() if cdnow.CALIBRATED < day <= LATER]
        assert until
        bought = {who for who, day, _amount in cdnow.purchases() if cdnow.CALIBRATED < day <= LATER}
        assert sum(row.happened or 0 for row in rows) == len(bought)
        assert sum(row.count for row in rows) == 2357
    desk.run("export", out)
    with (out / "members.csv").open(encoding="utf-8-sig", newline="") as file:
        written = {row["member_ref"]: row for row in csv.DictReader(file)}
    one = written["0001"]
    assert 0 < float(one["p_buys_90d"]) < float(one["p_alive"]) < 1
    assert float(one["expected_value_12m"]) > 0
