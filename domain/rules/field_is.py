"""Has a value in a field.

A custom field from an import or a form, compared as text.
"""

from typing import Literal

from sqlalchemy import ColumnElement, String, cast, func

from domain.rules._context import RuleContext
from domain.rules._finding import known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import alone
from domain.wording import mark
from models.member import Member

GROUP = "Who they are"
SENTENCES = {
    "is": mark("has “%(value)s” as %(field)s"),
    "contains": mark("has “%(value)s” in %(field)s"),
    "is_set": mark("has something as %(field)s"),
}


class Params(Base):
    field: str = param(mark("Field"), min_length=1, max_length=64, pattern=r"^[^\"\\]+$")
    compare: Literal["is", "contains", "is_set"] = param(mark("Compare"), "is")
    value: str = param(mark("Value"), "", max_length=255)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    found = func.coalesce(cast(Member.custom[params.field].as_string(), String), "")
    if params.compare == "is_set":
        return known(Member.id, found.not_in(("", "null")))
    if params.compare == "contains":
        return known(Member.id, found.contains(params.value, autoescape=True))
    return known(Member.id, found == params.value)


def words(params: Params, say: Speaker) -> str:
    return say(SENTENCES[params.compare], field=params.field, value=params.value)


moved = alone
