"""Speaks a language.

The language we speak to them in.
"""

from typing import Literal

from sqlalchemy import ColumnElement

from domain.rules._context import RuleContext
from domain.rules._finding import known
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import alone
from domain.wording import mark
from models.member import Member

GROUP = "Who they are"
CHOICE_WORDS = {"zh-Hant": "中文", "ja": "日本語", "th": "ไทย", "en": "English"}


class Params(Base):
    languages: list[Literal["zh-Hant", "ja", "th", "en"]] = param(mark("Languages"), min_length=1)


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return known(Member.language, Member.language.in_(params.languages))


def words(params: Params, say: Speaker) -> str:
    return say("speaks %(languages)s", languages=say.listed([CHOICE_WORDS[tag] for tag in params.languages]))


moved = alone
