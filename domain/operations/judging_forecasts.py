"""Holds what was forecast against what then happened, so that everybody can see how far to trust it (definitions §9).

Forecasts of the month are kept by band with the people in it, and counted 90 days later. The first time there is
a model, one is made as of 90 days ago from what was known then, so that nobody waits a quarter for an answer.
Needs numpy, as forecasting does.
"""

from datetime import date, datetime, timedelta

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import forecasting
from domain.operations.recording import insert_for
from domain.scores import churn
from domain.scores.models import mbg_nbd
from domain.scores.models.expecting import Buyers, churn_bands
from models.packing import People, pack, unpack
from models.purchase import Purchase
from models.score import Forecast

READ_AT_ONCE = 50_000
WAIT = timedelta(days=churn.DAYS)


def keep(session: Session, of: Buyers, params: dict[str, float], *, day: date) -> int:
    """Notes how many of each band are expected to buy, and who they are; how many bands are new."""
    buys = mbg_nbd.with_params(params).p_buys(of.x, of.tx, of.t, churn.DAYS)
    bands = churn_bands(np.round(buys, 4), of.t)
    rows = [
        {
            "as_of": day, "band": band, "count": int((bands == band).sum()),
            "expected": float(buys[bands == band].sum()), "ids": pack(of.ids[bands == band].tolist()),
        }
        for band in churn.BANDS
        if (bands == band).any()
    ]  # fmt: skip
    if rows:
        session.execute(insert_for(session)(Forecast).on_conflict_do_nothing(index_elements=["as_of", "band"]), rows)
    return len(rows)


def may_look_back(session: Session) -> bool:
    """Nothing was ever forecast, so nothing can be checked yet."""
    return session.scalar(select(Forecast.id).limit(1)) is None


def look_back(session: Session, *, day: date) -> tuple[Buyers, dict[str, float]] | None:
    """The buyers as of `day` and the model that would have been fitted then; None when it would have been refused."""
    of = forecasting.buyers_of(session, day=day)
    fit = mbg_nbd.fit(of.histories())
    return None if fit.refused else (of, fit.params)


def check(session: Session, *, day: date, now: datetime) -> int:
    """Counts what happened to forecasts whose 90 days have passed by `day`; how many bands."""
    waiting = select(Forecast).where(Forecast.happened.is_(None), Forecast.as_of <= day - WAIT).order_by(Forecast.as_of)
    found = list(session.scalars(waiting))
    for made in sorted({row.as_of for row in found}):
        bought = _buyers_between(session, made + timedelta(days=1), made + WAIT)
        for row in found:
            if row.as_of == made:
                row.happened, row.checked_at = len(bought & People(unpack(row.ids))), now
    session.flush()
    return len(found)


def _buyers_between(session: Session, first: date, last: date) -> People:
    """Who bought on those days, under the record it is theirs now or was theirs then."""
    orders = Purchase.net_amount > 0, Purchase.day.between(first, last), Purchase.member_id.is_not(None)
    rows = session.execute(
        select(Purchase.member_id, Purchase.via_id).where(*orders), execution_options={"yield_per": READ_AT_ONCE}
    )
    return People(id for row in rows for id in row if id is not None)
