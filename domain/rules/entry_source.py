"""Came by an entry link.

The tracked link or QR code that brought them to the account first.
"""

from sqlalchemy import ColumnElement

from domain.rules._context import RuleContext
from domain.rules._finding import known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import alone
from domain.wording import mark
from models.member import Member

GROUP = "LINE and messages"


class Params(Base):
    sources: list[str] = param(mark("Entry links"), pick="entry_source", min_length=1)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return known(Member.entry_source, Member.entry_source.in_(params.sources))


def words(params: Params, say: Speaker) -> str:
    return say("came by %(source)s", source=say.named("entry_source", params.sources))


moved = alone
