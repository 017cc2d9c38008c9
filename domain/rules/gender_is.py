"""Is of a gender.

As they told us; who did not is never in it.
"""

from sqlalchemy import ColumnElement

from domain.rules._context import RuleContext
from domain.rules._finding import known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import alone
from domain.wording import mark
from models.member import Member

GROUP = "Who they are"


class Params(Base):
    genders: list[str] = param(mark("Genders"), min_length=1, max_length=10)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return known(Member.gender, Member.gender.in_(params.genders))


def words(params: Params, say: Speaker) -> str:
    return say("gave their gender as %(gender)s", gender=say.listed(params.genders))


moved = alone
