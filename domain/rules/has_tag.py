"""Has a tag.

Given by hand, by a rule, a form or a campaign, and neither taken away nor run out.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from domain.rules._context import RuleContext
from domain.rules._finding import behind as rows
from domain.rules._finding import some
from domain.rules._folder import Params as Base
from domain.rules._folder import Speaker, param
from domain.rules._moving import events_moved
from domain.scores._movers import Since
from domain.wording import mark
from models.event import Event
from models.programme import MemberTag, Tag

GROUP = "Tags and groups"


class Params(Base):
    tag: str = param(mark("Tag"), pick="tag", min_length=1)


def _live(params: Params, context: RuleContext) -> list[ColumnElement[bool]]:
    return [
        MemberTag.tag_id == Tag.id,
        Tag.key == params.tag,
        Tag.archived_at.is_(None),
        MemberTag.removed_at.is_(None),
        or_(MemberTag.expires_at.is_(None), MemberTag.expires_at > context.now),
    ]


def where(params: Params, context: RuleContext) -> ColumnElement[bool]:
    return some(context, MemberTag.member_id, *_live(params, context))


def words(params: Params, say: Speaker) -> str:
    return say("has the tag %(tag)s", tag=say.named("tag", params.tag))


def words_not(params: Params, say: Speaker) -> str:
    return say("does not have the tag %(tag)s", tag=say.named("tag", params.tag))


def behind(params: Params, context: RuleContext) -> Select[Any]:
    live = rows("tag", MemberTag.member_id, MemberTag.source, MemberTag.assigned_at)
    return live.where(*_live(params, context))


def moved(params: Params, since: Since, context: RuleContext) -> list[Select[Any]]:
    written = events_moved(since, context, None, Event.kind.in_(("tagged", "untagged")))
    run_out = MemberTag.removed_at.is_(None), MemberTag.expires_at.between(since.at, context.now)
    return [*written, select(MemberTag.member_id).where(*run_out)]
