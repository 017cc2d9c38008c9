"""Has their birthday in a month.

This month, next month, or a month by its number.
"""

from typing import Literal

from sqlalchemy import ColumnElement

from domain.rules._context import RuleContext
from domain.rules._finding import known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.wording import mark
from models.member import Member

GROUP = "Who they are"
CHOICE_WORDS = {"this": mark("this month"), "next": mark("next month")}


class Params(Base):
    month: Literal["this", "next", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"] = param(
        mark("Month"), "this"
    )


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    here = context.today.month
    relative = {"this": here, "next": here % 12 + 1}
    month = relative[params.month] if params.month in relative else int(params.month)
    return known(Member.birth_month, Member.birth_month == month)


def words(params: Params, say: Speaker) -> str:
    if params.month == "this":
        return say("has their birthday this month")
    if params.month == "next":
        return say("has their birthday next month")
    return say("has their birthday in month %(month)s", month=params.month)
