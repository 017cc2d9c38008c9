"""Arriving by an entry source: noted for whoever LINE says is there, who is then shown what to do next."""

from apiflask import APIBlueprint
from pydantic import Field

import door
from domain.operations import arriving
from domain.wording import pick
from liff import session
from liff.screens import Shape, api_blueprint
from models.channel import the_channel

sources: APIBlueprint = api_blueprint("sources", __name__)
ADD_FRIEND = "https://line.me/R/ti/p/"


class ArrivedOut(Shape):
    name: str
    welcome: str = Field(description="The source's own words; may be empty")
    registered: bool
    takes_part: bool = Field(description="An event, which this person takes part in now")
    add_friend: str | None = Field(description="Where to add the account, for who does not follow it")


@sources.post("/sources/<key>")
@sources.output(ArrivedOut)
def arrive(key: str) -> ArrivedOut:
    """Note by which source this person came."""
    me, db = session.person(), door.session()
    source = arriving.arrive(db, me, key, now=door.now())
    basic_id = the_channel(db).basic_id
    follows = me.friend is not None and bool(me.friend.is_following)
    db.commit()
    return ArrivedOut(
        name=source.name, welcome=pick(source.welcome, door.language()), registered=me.is_member,
        takes_part=source.kind == "event", add_friend=ADD_FRIEND + basic_id if basic_id and not follows else None,
    )  # fmt: skip
