"""Is at a risk of being lost.

By the probability to buy within 90 days, as of the last night; where no model is used, by how long ago they bought.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, or_

from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.scores.churn import ALL_BANDS, NEVER
from domain.wording import mark
from models.score import MemberForecast, MemberScore

GROUP = "Purchases"
KEYS = tuple(ALL_BANDS)
CHOICE_WORDS = ALL_BANDS


class Params(Base):
    bands: list[Literal[KEYS]] = param(mark("Bands"), min_length=1)  # type: ignore[valid-type]  # the bands are data


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    known = some(context, MemberForecast.member_id, MemberForecast.churn_band.in_(params.bands))
    if NEVER not in params.bands:
        return known
    return or_(known, some(context, MemberScore.member_id, MemberScore.purchase_days == 0))


def words(params: Params, say: Speaker) -> str:
    return say("is in the risk band “%(band)s”", band=say.listed([say(ALL_BANDS[band]) for band in params.bands]))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, None)
