"""Where everybody stands by each score: how many, and exactly who (one query for both)."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select
from sqlalchemy.orm import Session

from domain.metrics._people import counts
from domain.scores import churn, expected_value, funnel_stage, napl, purchase_clock, rfm, second_purchase
from models.arithmetic import days_between
from models.member import Member
from models.score import MemberForecast, MemberScore


@dataclass(frozen=True)
class Score:
    """A score with its values in order; `words` are message ids, `value` what is counted by."""

    key: str
    words: dict[str, str]
    value: ColumnElement[Any]


def standing(today: date) -> dict[str, Score]:
    """Every score people are put into groups by, as of last night."""
    since = days_between(MemberScore.last_day, literal(today))
    in_cycle = case((MemberScore.cycle_days.is_not(None), purchase_clock.state(since, MemberScore.cycle_days)))
    risk = case((MemberScore.purchase_days == 0, churn.NEVER), else_=MemberForecast.churn_band)
    found = (
        Score("rfm", rfm.GROUPS, _column(MemberScore.rfm_group)),
        Score("rfm_quintiles", rfm.GROUPS, _column(MemberScore.quintile_group)),
        Score("napl", napl.STATES, _column(MemberScore.napl)),
        Score("napl_purchases", napl.STATES_BY_PURCHASES, _column(MemberScore.napl_purchases)),
        Score("churn", churn.ALL_BANDS, risk),
        Score("value", expected_value.BANDS, _column(MemberForecast.clv_band)),
        Score("cycle", purchase_clock.STATES, in_cycle),
        Score("second", second_purchase.BANDS, _column(MemberForecast.likely_again_band)),
        Score("funnel", funnel_stage.STAGES, _column(MemberScore.funnel_stage)),
    )
    return {score.key: score for score in found}


def _column(of: Any) -> ColumnElement[Any]:
    expression: ColumnElement[Any] = of.expression
    return expression


def _members(score: Score, *columns: Any) -> Select[Any]:
    """Members who count and have this score."""
    return (
        select(*columns)
        .select_from(MemberScore)
        .join(Member, Member.id == MemberScore.member_id)
        .outerjoin(MemberForecast, MemberForecast.member_id == MemberScore.member_id)
        .where(counts(), Member.registered_at.is_not(None), score.value.is_not(None))
    )


def numbers(session: Session, score: Score) -> dict[str, int]:
    """How many members stand at each value, in the order of its words; 0 where nobody does."""
    query = _members(score, score.value, func.count()).group_by(score.value)
    found: dict[str, int] = dict(session.execute(query).all())
    return {value: found.get(value, 0) for value in score.words}


def who(score: Score, value: str) -> Select[Any]:
    """Ids of exactly the members `numbers` counts at a value."""
    return _members(score, MemberScore.member_id).where(score.value == value)
