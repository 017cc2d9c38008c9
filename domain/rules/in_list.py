"""Is one of these people.

A list of member references, such as the people behind a figure.
"""

from sqlalchemy import ColumnElement

from domain.rules._context import RuleContext
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import alone
from domain.wording import mark
from models.member import Member

GROUP = "Tags and groups"


class Params(Base):
    members: list[str] = param(mark("Member references"), min_length=1, max_length=10_000)
    called: str = param(mark("What to call them"), "", max_length=100)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return Member.ref.in_(params.members)


def words(params: Params, say: Speaker) -> str:
    if params.called:
        return say("is one of the %(n)s people of “%(called)s”", n=len(params.members), called=params.called)
    return say("is one of %(n)s people", n=len(params.members))


moved = alone
