"""Is in a value band.

By what they are expected to bring in the next 12 months, as of the last night; nobody is in one without a model.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select

from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.scores.expected_value import BANDS
from domain.wording import mark
from models.score import MemberForecast

GROUP = "Purchases"
KEYS = tuple(BANDS)
CHOICE_WORDS = BANDS


class Params(Base):
    bands: list[Literal[KEYS]] = param(mark("Bands"), min_length=1)  # type: ignore[valid-type]  # the bands are data


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, MemberForecast.member_id, MemberForecast.clv_band.in_(params.bands))


def words(params: Params, say: Speaker) -> str:
    return say("is in the value band “%(band)s”", band=say.listed([say(BANDS[band]) for band in params.bands]))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, None)
