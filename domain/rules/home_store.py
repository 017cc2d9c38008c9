"""Has a home store.

The store they chose, or were registered in.
"""

from sqlalchemy import ColumnElement, select

from domain.rules._context import RuleContext
from domain.rules._finding import known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import alone
from domain.wording import mark
from models.member import Member
from models.store import Store

GROUP = "Who they are"


class Params(Base):
    stores: list[str] = param(mark("Stores"), pick="store", min_length=1)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return known(Member.home_store_id, Member.home_store_id.in_(select(Store.id).where(Store.key.in_(params.stores))))


def words(params: Params, say: Speaker) -> str:
    return say("has %(store)s as home store", store=say.named("store", params.stores))


moved = alone
