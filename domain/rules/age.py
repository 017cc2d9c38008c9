"""Is of an age.

From the birth date; who gave none is never in it.
"""

from datetime import timedelta

from pydantic import model_validator
from sqlalchemy import ColumnElement

from domain.rules._context import RuleContext
from domain.rules._finding import known, years_before
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.wording import mark
from models.member import Member

GROUP = "Who they are"


class Params(Base):
    at_least: int | None = param(mark("From age"), None, ge=0, le=130)
    at_most: int | None = param(mark("To age"), None, ge=0, le=130)

    @model_validator(mode="after")
    def _one_of_them(self) -> "Params":
        if self.at_least is None and self.at_most is None:
            raise ValueError("neither from nor to")
        return self


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    # Who turns n today is n: born on this date n years ago, or before. Born on 29 February, on 1 March.
    is_so = Member.birth_date <= context.today
    if params.at_least is not None:
        is_so = is_so & (Member.birth_date <= years_before(context.today, params.at_least))
    if params.at_most is not None:
        is_so = is_so & (Member.birth_date >= years_before(context.today, params.at_most + 1) + timedelta(days=1))
    return known(Member.birth_date, is_so)


def words(params: Params, say: Speaker) -> str:
    if params.at_most is None:
        return say("is %(n)s or older", n=params.at_least)
    if params.at_least is None:
        return say("is %(n)s or younger", n=params.at_most)
    return say("is between %(low)s and %(high)s years old", low=params.at_least, high=params.at_most)
