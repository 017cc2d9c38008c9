"""Fits the models to everyone's purchases once a month, and says what they expect of each buyer.

Each night that is worked out for those who bought and for a seventh of the silent, in turn.

Needs numpy and scipy: imported by the job when it runs, never by who serves pages.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, case, cast, delete, exists, literal, null, or_, select, true
from sqlalchemy.orm import Session

from domain.money import decimals_of
from domain.operations.recording import insert_for
from domain.scores import churn
from domain.scores._figures import everyone, purchase_figures
from domain.scores.models import gamma_gamma, mbg_nbd
from domain.scores.models._maximum import Fit
from domain.scores.models.expecting import Buyers, Expected, expect
from models.arithmetic import days_between
from models.programme import the_brand
from models.rows import table_of
from models.score import MemberForecast, MemberScore, ModelFit

PIECE = 10_000  # rows a transaction
READ_AT_ONCE = 20_000
MODELS = (mbg_nbd.NAME, gamma_gamma.NAME)
RETRIED = {"few_buyers", "few_repeaters", "too_young", "few_values"}  # told at once, so asked again every night
MODELLED = (
    "p_alive", "p_buys_90d", "churn_band", "expected_purchases_12m", "expected_order", "expected_value_12m", "clv_band",
)  # fmt: skip
Row = dict[str, Any]


def buyers(session: Session, *, day: date) -> Buyers:
    """Everyone who bought in the last three years, as scored for `day`; amounts in whole currency units."""
    return _read(session, _inputs(MemberScore, day), day)


def buyers_of(session: Session, *, day: date) -> Buyers:
    """The same for a day long past, from the orders themselves: for looking back."""
    return _read(session, _inputs(purchase_figures(day, everyone).subquery("figures").c, day), day)


def _inputs(of: Any, day: date) -> Select[Any]:
    known, first = days_between(of.model_from, literal(day)), days_between(of.model_from, of.last_day)
    rows = select(of.member_id, of.repeat_days, first, known, of.repeat_amount)
    return rows.where(of.model_from.is_not(None)).order_by(of.member_id)


def _read(session: Session, query: Select[Any], day: date) -> Buyers:
    rows = session.execute(query, execution_options={"yield_per": READ_AT_ONCE})
    parts = [np.array([tuple(row) for row in part], dtype=np.float64) for part in rows.partitions()]
    table = np.concatenate(parts) if parts else np.empty((0, 5))
    ids, x, tx, t, amount = table.T
    units = amount / 10 ** decimals_of(the_brand(session).currency)
    return Buyers(ids.astype(np.int64), x, tx, t, np.divide(units, x, out=np.zeros_like(x), where=x > 0))


def last_fit(session: Session, model: str) -> ModelFit | None:
    """The newest fit, usable or refused."""
    return session.scalar(select(ModelFit).where(ModelFit.model == model).order_by(ModelFit.as_of.desc()).limit(1))


def is_due(session: Session, model: str, *, day: date) -> bool:
    """Whether a model is to be fitted anew: another month has begun, or it was refused for want of people."""
    last = last_fit(session, model)
    return last is None or last.refused in RETRIED or (last.as_of.year, last.as_of.month) != (day.year, day.month)


def fits_of(of: Buyers) -> dict[str, Fit]:
    """Both models, fitted or refused; a minute for a million buyers."""
    return {mbg_nbd.NAME: mbg_nbd.fit(of.histories()), gamma_gamma.NAME: gamma_gamma.fit(of.x, of.mean)}


def keep_fit(session: Session, model: str, fit: Fit, *, day: date, now: datetime) -> None:
    """One a month: a later one takes the place of those before it, and of any that a clock set back left ahead."""
    month = ModelFit.as_of >= day.replace(day=1)
    session.execute(delete(ModelFit).where(ModelFit.model == model, month))
    session.add(
        ModelFit(
            model=model,
            as_of=day,
            params=fit.params,
            log_likelihood=fit.log_likelihood,
            facts=fit.facts,
            refused=fit.refused,
            fitted_at=now,
        )
    )
    session.flush()


@dataclass(frozen=True)
class Forecasts:
    """What is to be kept of everyone: rows by member id, in order."""

    ids: Sequence[int]
    columns: Mapping[str, Sequence[Any]]

    def pieces(self) -> Iterator[tuple[int, int]]:
        return ((start, min(start + PIECE, len(self.ids))) for start in range(0, len(self.ids), PIECE))

    def rows(self, start: int, end: int) -> list[Row]:
        cut = {name: values[start:end] for name, values in self.columns.items()}
        names = list(cut)
        each = zip(*cut.values(), strict=True)
        return [
            {"member_id": id, **dict(zip(names, row, strict=True))}
            for id, row in zip(self.ids[start:end], each, strict=True)
        ]


def usable(session: Session, model: str) -> dict[str, float] | None:
    """The parameters of the newest fit; None when it was refused or there is none."""
    last = last_fit(session, model)
    return None if last is None or last.refused else dict(last.params)


def forecasts(session: Session, of: Buyers, *, day: date) -> Forecasts | None:
    """What the models expect of each; None when there is no model to trust."""
    found = expected(session, of, day=day)
    return None if found is None else _columns(of, found, 10 ** decimals_of(the_brand(session).currency))


def expected(session: Session, of: Buyers, *, day: date) -> Expected | None:
    """By the newest fits that are usable; of who did not buy since the fit, as of at most six days ago."""
    params, values = usable(session, mbg_nbd.NAME), usable(session, gamma_gamma.NAME)
    if params is None:
        return None
    brand, fitted_on = the_brand(session), max(fit.as_of for fit in map(partial(last_fit, session), MODELS) if fit)
    return expect(
        of, mbg_nbd.with_params(params), None if values is None else gamma_gamma.with_params(values),
        margin=brand.margin_percent / 100, decimals=decimals_of(brand.currency),
        lag=of.lag(day.toordinal(), (day - fitted_on).days),
    )  # fmt: skip


def _columns(of: Buyers, found: Expected, minor: int) -> Forecasts:
    nothing = [None] * len(of.ids)
    order, value, clv = (nothing if each is None else each for each in (found.order, found.value, found.clv))
    columns = {
        "p_alive": found.p_alive, "p_buys_90d": found.p_buys, "churn_band": found.churn,
        "expected_purchases_12m": found.purchases,
        "expected_order": order if found.order is None else np.round(found.order * minor),
        "expected_value_12m": value if found.value is None else np.round(found.value * minor),
        "clv_band": clv,
    }  # fmt: skip
    return Forecasts(of.ids.tolist(), {name: _plain(values) for name, values in columns.items()})


def _plain(values: Any) -> list[Any]:
    plain: list[Any] = values if isinstance(values, list) else values.tolist()
    return plain


def store(session: Session, rows: list[Row], *, day: date) -> int:
    """Writes those that differ from what is stored; how many. `rows` are in the order of their ids."""
    stored = _stored(session, rows[0]["member_id"], rows[-1]["member_id"])
    changed = [
        [row["member_id"], *(row[name] for name in MODELLED)]
        for row in rows
        if stored.get(row["member_id"]) != tuple(row[name] for name in MODELLED)
    ]
    if changed:
        kinds = {name: MemberForecast.__table__.c[name].type for name in ("member_id", *MODELLED)}
        fresh = table_of(session, "fresh", kinds, changed)
        # With a condition, or SQLite would read ON CONFLICT as a join's.
        _write(session, select(literal(day), *(fresh.c[name] for name in kinds)).where(true()))
    return len(changed)


def _write(session: Session, rows: Select[Any]) -> int:
    """Stores rows of (as_of, member_id, MODELLED) that differ from what is stored, in one statement; how many."""
    insert = insert_for(session)(MemberForecast).from_select(["as_of", "member_id", *MODELLED], rows)
    values = {name: insert.excluded[name] for name in (*MODELLED, "as_of")}
    differs = or_(*(getattr(MemberForecast, name).is_distinct_from(insert.excluded[name]) for name in MODELLED))
    written = insert.on_conflict_do_update(index_elements=["member_id"], set_=values, where=differs)
    return len(session.scalars(written.returning(MemberForecast.member_id)).all())


def _stored(session: Session, first: int, last: int) -> dict[int, tuple[Any, ...]]:
    columns = (getattr(MemberForecast, name) for name in MODELLED)
    rows = select(MemberForecast.member_id, *columns).where(MemberForecast.member_id.between(first, last))
    return {row[0]: tuple(row[1:]) for row in session.execute(rows)}


def store_recency(session: Session, *, day: date, ids: tuple[int, int]) -> int:
    """Without a model: how long ago each of a range of ids bought."""
    steps = [(MemberScore.last_day >= day - timedelta(days=days), name) for name, days in churn.RECENCY_DAYS]
    return _store_band(session, case(*steps, else_=churn.OLDER), day=day, whose=MemberScore.member_id.between(*ids))


def store_long_gone(session: Session, *, day: date, ids: tuple[int, int]) -> int:
    """Beside a model: who bought, but not in the years it looks at, is at high risk with no figure to it."""
    whose = and_(MemberScore.member_id.between(*ids), MemberScore.model_from.is_(None))
    return _store_band(session, literal("high"), day=day, whose=whose)


def _store_band(session: Session, band: Any, *, day: date, whose: ColumnElement[bool]) -> int:
    figures = {name: cast(null(), getattr(MemberForecast, name).type) for name in MODELLED} | {"churn_band": band}
    rows = select(literal(day), MemberScore.member_id, *(figure.label(name) for name, figure in figures.items()))
    return _write(session, rows.where(whose, MemberScore.purchase_days > 0))


def forget_the_gone(session: Session) -> int:
    """No forecast of who has no purchase any more: refunded, merged away or erased."""
    buys = exists(select(1).where(MemberScore.member_id == MemberForecast.member_id, MemberScore.purchase_days > 0))
    gone: Any = session.execute(delete(MemberForecast).where(~buys), execution_options={"synchronize_session": False})
    return int(gone.rowcount)
