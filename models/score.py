"""What we have computed about people, and the months we have closed."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, BigInt, Json, Key, Short, UtcDateTime


class MemberScore(Base):
    """Per person, as of the last night: RFM and NAPL with the figures they rest on (definitions §5, §6)."""

    __tablename__ = "member_score"
    __table_args__ = (Index("ix_member_score_group", "rfm_group"), Index("ix_member_score_napl", "napl"))

    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"), primary_key=True)
    as_of: Mapped[date] = mapped_column(Date)
    first_day: Mapped[date | None] = mapped_column(Date)
    last_day: Mapped[date | None] = mapped_column(Date)
    purchase_days: Mapped[int] = mapped_column(default=0)
    days_365: Mapped[int] = mapped_column(default=0)
    amount_365: Mapped[int] = mapped_column(BigInt, default=0)
    last_activity_day: Mapped[date | None] = mapped_column(Date)
    rfm_r: Mapped[int] = mapped_column(default=0)
    rfm_f: Mapped[int] = mapped_column(default=0)
    rfm_m: Mapped[int] = mapped_column(default=0)
    rfm_group: Mapped[Short] = mapped_column(default="none")
    napl: Mapped[Short | None]
    cycle_days: Mapped[int | None]
    due_on: Mapped[date | None] = mapped_column(Date)
    # Of the days between neighbouring purchase days in 730 days: how many, their median, and each (definitions §9).
    gap_count: Mapped[int | None]
    gap_median: Mapped[float | None]
    gaps: Mapped[str | None]
    # By quintiles among buyers (definitions §5), and the other NAPL in use (by purchases alone).
    quintile_r: Mapped[int | None]
    quintile_f: Mapped[int | None]
    quintile_m: Mapped[int | None]
    quintile_group: Mapped[Short | None]
    napl_purchases: Mapped[Short | None]
    # The furthest step of the shopping funnel of the last 30 days: browse, cart, order, pick_up, repurchase.
    funnel_stage: Mapped[Short | None]
    # The categories bought on most days of the last 365, at most three, best first: [["tea", 9], …]
    affinity: Mapped[list[Any] | None] = mapped_column(Json)
    # Net amount of the 180 days to now against the 180 before: percent, 100 = the same.
    amount_trend: Mapped[int | None]
    # What the models read (definitions §9), of the last three years: the first purchase day, how many purchase days
    # followed it, and their net amount; the last is `last_day`.
    model_from: Mapped[date | None] = mapped_column(Date)
    repeat_days: Mapped[int | None]
    repeat_amount: Mapped[int | None] = mapped_column(BigInt)


class MemberForecast(Base):
    """What the models expect of a buyer, as of the last night (definitions §9). Floats; money in minor units."""

    __tablename__ = "member_forecast"
    __table_args__ = (
        Index("ix_member_forecast_churn", "churn_band"),
        Index("ix_member_forecast_clv", "clv_band"),
    )

    member_id: Mapped[int] = mapped_column(BigInt, ForeignKey("member.id"), primary_key=True)
    as_of: Mapped[date] = mapped_column(Date)
    p_alive: Mapped[float | None]
    p_buys_90d: Mapped[float | None]
    churn_band: Mapped[Short | None]  # low | middle | high | too_new; recency bands when no model could be fitted
    expected_purchases_12m: Mapped[float | None]
    expected_order: Mapped[float | None]  # Gamma-Gamma's expected value of one purchase day
    expected_value_12m: Mapped[float | None]
    clv_band: Mapped[Short | None]  # A | B | C
    likely_again: Mapped[float | None]  # of a first buyer: probability of a second purchase day within 90 days
    likely_again_band: Mapped[Short | None]


class ModelFit(Base):
    """A model fitted to everyone's purchases, or the reason why it was not (definitions §9)."""

    __tablename__ = "model_fit"
    __table_args__ = (UniqueConstraint("model", "as_of"),)

    id: Mapped[Key]
    model: Mapped[Short]  # mbg_nbd | bg_nbd | gamma_gamma | first_buyer
    as_of: Mapped[date] = mapped_column(Date)
    params: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    log_likelihood: Mapped[float | None]
    facts: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)  # buyers, repeaters, t90, correlation, …
    refused: Mapped[Short | None]  # why it is not to be used
    fitted_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Forecast(Base):
    """What was forecast for a band of people on a day, and what then happened: how far to trust the model."""

    __tablename__ = "forecast"
    __table_args__ = (UniqueConstraint("as_of", "band"),)

    id: Mapped[Key]
    as_of: Mapped[date] = mapped_column(Date)
    band: Mapped[Short]
    count: Mapped[int]
    expected: Mapped[float]  # buyers within 90 days: the sum of their probabilities
    ids: Mapped[bytes] = mapped_column(LargeBinary)
    happened: Mapped[int | None]
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class KeptReport(Base):
    """A report over everyone that takes too long to compute while somebody waits: the night's answer."""

    __tablename__ = "kept_report"

    name: Mapped[Short] = mapped_column(primary_key=True)
    as_of: Mapped[date] = mapped_column(Date)
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ScoreDue(Base):
    """People the night has yet to score. A killed night leaves the rest of them to the next."""

    __tablename__ = "score_due"

    member_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)


class ScoreRun(Base):
    """How far scoring has come: one row.

    Everyone who is not due stands as they would be scored for `day`, by `rules`, from what was recorded
    before `at` (business time) and `machine_at`. `gaps` counts everyone's gaps by their length.
    """

    __tablename__ = "score_run"

    id: Mapped[Key]
    day: Mapped[date | None] = mapped_column(Date)
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    machine_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    compared_on: Mapped[date | None] = mapped_column(Date)  # when everyone was last computed anew
    rules: Mapped[Short] = mapped_column(default="")
    everyones_gap: Mapped[float | None]
    gaps: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)


class MonthClose(Base):
    """A closed month: its figures as they stood, for ever (I7)."""

    __tablename__ = "month_close"

    id: Mapped[Key]
    month: Mapped[Short] = mapped_column(unique=True)  # YYYY-MM
    closed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    as_of: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_late: Mapped[bool] = mapped_column(default=False)
    figures: Mapped[dict[str, Any]] = mapped_column(Json)
    definitions: Mapped[dict[str, Any]] = mapped_column(Json, default=dict)
    # How many records bore a day of the month when it closed; None before this was kept.
    records: Mapped[int | None] = mapped_column(BigInt)


class MonthPeople(Base):
    """The people behind one figure of a closed month: their member ids, sorted, packed and compressed."""

    __tablename__ = "month_people"
    __table_args__ = (UniqueConstraint("month", "metric", "part", "side"),)

    id: Mapped[Key]
    month: Mapped[Short]
    metric: Mapped[Short]
    part: Mapped[str] = mapped_column(default="")
    side: Mapped[Short]  # of | who
    count: Mapped[int]
    ids: Mapped[bytes] = mapped_column(LargeBinary)


class Snapshot(Base):
    """Where everyone stood at a month's end, one row per value of a dimension (rfm, napl, tier, tagged)."""

    __tablename__ = "snapshot"
    __table_args__ = (UniqueConstraint("month", "dimension", "value"),)

    id: Mapped[Key]
    month: Mapped[Short]
    dimension: Mapped[Short]
    value: Mapped[Short]
    count: Mapped[int]
    ids: Mapped[bytes] = mapped_column(LargeBinary)
    taken_at: Mapped[datetime] = mapped_column(UtcDateTime)
