"""Bought once and is likely to buy again.

Of first buyers of the last 90 days, by their first order, as of the last night; nobody is in one without a model.
"""

from typing import Any, Literal

from sqlalchemy import ColumnElement, Select

from domain.rules._context import RuleContext
from domain.rules._finding import bought_behind, some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.scores.second_purchase import BANDS
from domain.wording import mark
from models.score import MemberForecast

GROUP = "Purchases"
KEYS = tuple(BANDS)
CHOICE_WORDS = BANDS


class Params(Base):
    bands: list[Literal[KEYS]] = param(mark("Bands"), min_length=1)  # type: ignore[valid-type]  # the bands are data


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, MemberForecast.member_id, MemberForecast.likely_again_band.in_(params.bands))


def words(params: Params, say: Speaker) -> str:
    bands = say.listed([say(BANDS[band]) for band in params.bands])
    return say("bought once, and buying again is “%(band)s”", band=bands)


def behind(params: Params, context: RuleContext) -> Select[Any]:
    return bought_behind(context, 90)
