"""Bringing friends: my link to share, who came by it (without names), and the note that somebody opened one."""

from typing import Literal

from apiflask import APIBlueprint
from flask import Response
from pydantic import Field
from sqlalchemy import select

import door
from domain.calendar import calendar_of
from domain.operations import referring
from domain.reports import mission_words, missions
from domain.wording import date_words, mark
from liff import session
from liff.screens import Shape, api_blueprint
from models.mission import Referral
from models.programme import the_brand

referral: APIBlueprint = api_blueprint("referral", __name__)

SHOWN = 50
STATES: dict[str, str] = {
    "clicked": mark("opened your link"),
    "succeeded": mark("joined"),
    "refused": mark("does not count"),
}
WHY = {
    "known_before": mark("was known to us before"),
    "same_person": mark("is you"),
    "too_late": mark("came more than 30 days after opening the link"),
    "taken_back": mark("was taken back by our staff"),
}


class FriendOut(Shape):
    """One who came by the link. Who they are is theirs to tell."""

    day: str
    state: Literal["clicked", "succeeded", "refused"]
    words: str


class GoalOut(Shape):
    name: str
    reward: str
    progress: int
    target: int


class ReferralOut(Shape):
    link: str
    text: str
    invited: int
    succeeded: int
    friends: list[FriendOut]
    goals: list[GoalOut]


class Click(Shape):
    by: str = Field(min_length=1, max_length=64, pattern=r"^[\w-]+$")


@referral.get("/referral")
@referral.output(ReferralOut)
def mine() -> ReferralOut:
    """The link, what it brings, and what came of it."""
    me, db = session.member(), door.session()
    own = select(Referral).where(Referral.referrer_id == me.id, Referral.person_id != me.id)
    rows = db.scalars(own.order_by(Referral.id.desc())).all()
    link = referring.link_of(db, me)
    invitation = door.words("Come along to %(brand)s: make your card here.", brand=the_brand(db).name)
    return ReferralOut(
        link=link, text=f"{invitation}\n{link}", invited=len(rows),
        succeeded=sum(each.state == "succeeded" for each in rows), friends=[_friend(each) for each in rows[:SHOWN]],
        goals=_goals(),
    )  # fmt: skip


@referral.post("/referral/clicks")
@referral.input(Click)
@referral.output({}, status_code=204)
def click(json_data: Click) -> Response:
    """Somebody opened a member's link. The answer is the same whatever comes of it."""
    referring.clicked(door.session(), session.person(), by=json_data.by, now=door.now())
    door.session().commit()
    return Response(status=204)


def _friend(row: Referral) -> FriendOut:
    calendar = calendar_of(door.session())
    words = door.words(STATES[row.state])
    if row.reason in WHY:
        words = door.words("%(state)s: %(why)s", state=words, why=door.words(WHY[row.reason]))
    day = date_words(door.language(), calendar.day_of(row.state_at), calendar.day_of(door.now()))
    state: Literal["clicked", "succeeded", "refused"] = row.state  # type: ignore[assignment]  # the column's three words
    return FriendOut(day=day, state=state, words=words)


def _goals() -> list[GoalOut]:
    """The missions that count friends."""
    shown = missions.shown_to(door.session(), session.member(), now=door.now())
    return [
        GoalOut(
            name=mission_words.name_of(each.mission, door.language()), progress=each.progress, target=each.target,
            reward=mission_words.reward_words(door.session(), each.mission.reward, door.language()),
        )
        for each in shown if each.mission.measure.get("of") == "referred"
    ]  # fmt: skip
