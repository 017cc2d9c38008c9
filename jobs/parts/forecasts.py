"""The part of the nightly scores that rests on models: fitted once a month, read every night.

Apart from `jobs/scores.py`, so that only who runs it pays for numpy and scipy.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from domain.operations import forecasting, judging_forecasts, scoring, second_buying
from domain.scores import churn
from domain.scores.models import mbg_nbd
from models.session import Sessions

Progress = Callable[[str], None]


def bring_up(sessions: Sessions, day: date, *, now: datetime, progress: Progress) -> dict[str, Any]:
    """Fits what is due, stores what is expected of everyone as of `day`, and checks what was expected before."""
    with sessions.reading() as session:
        buyers = forecasting.buyers(session, day=day)
    fitted = _fit(sessions, buyers, day, now=now, progress=progress)
    changed = _store(sessions, buyers, day, progress)
    changed += _second(sessions, day, now=now)
    checked = _judge(sessions, buyers, day, is_new=fitted, now=now)
    return {"fitted": fitted, "forecasts_changed": changed, "forecasts_checked": checked}


def _fit(sessions: Sessions, buyers: Any, day: date, *, now: datetime, progress: Progress) -> bool:
    """Outside of any transaction: for a million buyers it takes a minute."""
    with sessions.reading() as session:
        if not any(forecasting.is_due(session, model, day=day) for model in forecasting.MODELS):
            return False
    progress("fitting the models")
    fits = forecasting.fits_of(buyers)
    with sessions.writing() as session:
        for model, fit in fits.items():
            forecasting.keep_fit(session, model, fit, day=day, now=now)
        session.commit()
    return True


def _store(sessions: Sessions, buyers: Any, day: date, progress: Progress) -> int:
    with sessions.reading() as session:
        found = forecasting.forecasts(session, buyers, day=day)
        ranges = scoring.ranges(session)
    changed = 0
    for start, end in [] if found is None else found.pieces():
        with sessions.writing() as session:
            changed += forecasting.store(session, found.rows(start, end), day=day)
            session.commit()
        progress(f"stored what is expected of {end} of {len(found.ids)} buyers")
    plain = forecasting.store_recency if found is None else forecasting.store_long_gone
    for ids in ranges:
        with sessions.writing() as session:
            changed += plain(session, day=day, ids=ids)
            session.commit()
    with sessions.writing() as session:
        changed += forecasting.forget_the_gone(session)
        session.commit()
    return changed


def _second(sessions: Sessions, day: date, *, now: datetime) -> int:
    """Whether first buyers will come back. After the rest, whose rows it writes into."""
    with sessions.writing() as session:
        second_buying.fit_if_due(session, day=day, now=now)
        changed = second_buying.store(session, day=day)
        session.commit()
    return changed


def _judge(sessions: Sessions, buyers: Any, day: date, *, is_new: bool, now: datetime) -> int:
    with sessions.reading() as session:
        params = forecasting.usable(session, mbg_nbd.NAME)
        past = day - timedelta(days=churn.DAYS)
        back = None
        if params is not None and judging_forecasts.may_look_back(session):
            back = judging_forecasts.look_back(session, day=past)
    with sessions.writing() as session:
        if back is not None:
            judging_forecasts.keep(session, *back, day=past)
        if is_new and params is not None:
            judging_forecasts.keep(session, buyers, params, day=day)
        checked = judging_forecasts.check(session, day=day, now=now)
        session.commit()
    return checked
