"""Missions: what there is to reach, how far I am, and my lottery tickets."""

from datetime import date
from typing import Literal

from apiflask import APIBlueprint

import door
from domain.calendar import calendar_of
from domain.reports import mission_words, missions
from domain.wording import date_words, money_words, pick
from liff import session
from liff.screens import Shape, api_blueprint
from models.mission import Draw, Ticket
from models.programme import the_brand

missions_api: APIBlueprint = api_blueprint("missions", __name__)


class MissionOut(Shape):
    key: str
    name: str
    text: str
    reward: str
    look: Literal["stamps", "bar"]
    progress: int
    target: int
    progress_words: str
    target_words: str
    missing_words: str
    until: str | None
    rewarded: int
    is_over: bool


class DrawOut(Shape):
    key: str
    name: str
    url: str
    closes: str
    tickets: list[str]
    state: Literal["open", "closed", "won", "lost"]
    prize: str | None


class MissionsOut(Shape):
    missions: list[MissionOut]
    draws: list[DrawOut]


@missions_api.get("/missions")
@missions_api.output(MissionsOut)
def mine() -> MissionsOut:
    """What can be reached now with how far it is, and the tickets in hand."""
    me, db, now = session.member(), door.session(), door.now()
    return MissionsOut(
        missions=[_mission(each) for each in missions.shown_to(db, me, now=now)],
        draws=[_draw(draw, tickets) for draw, tickets in missions.tickets_of(db, me)],
    )


def _mission(shown: missions.Shown) -> MissionOut:
    row, language = shown.mission, door.language()
    few = not shown.is_amount and shown.target <= missions.STAMPS_AT_MOST
    return MissionOut(
        key=row.key, name=pick(row.name, language) or row.key, text=pick(row.text, language),
        reward=mission_words.reward_words(door.session(), row.reward, language), look="stamps" if few else "bar",
        progress=shown.progress, target=shown.target, progress_words=_number(shown, shown.progress),
        target_words=_number(shown, shown.target), missing_words=_number(shown, shown.target - shown.progress),
        until=_day(shown.until), rewarded=shown.rewarded, is_over=shown.is_over,
    )  # fmt: skip


def _number(shown: missions.Shown, n: int) -> str:
    return money_words(door.language(), n, the_brand(door.session()).currency) if shown.is_amount else str(n)


def _draw(draw: Draw, tickets: list[Ticket]) -> DrawOut:
    calendar, valid = calendar_of(door.session()), [each for each in tickets if each.withdrawn_at is None]
    won = next((each for each in valid if each.prize is not None), None)
    state: Literal["open", "closed", "won", "lost"] = "open" if door.now() < draw.closes_at else "closed"
    if draw.drawn_at is not None:
        state = "won" if won else "lost"
    prize = draw.prizes[won.prize]["benefit"] if won is not None and won.prize is not None else None
    return DrawOut(
        key=draw.key, name=pick(draw.name, door.language()) or draw.key, url=f"/draws/{draw.key}",
        closes=_day(calendar.day_of(draw.closes_at)) or "", tickets=[each.ref for each in valid], state=state,
        prize=mission_words.reward_words(door.session(), prize, door.language()) if prize else None,
    )  # fmt: skip


def _day(day: date | None) -> str | None:
    return date_words(door.language(), day, calendar_of(door.session()).day_of(door.now())) if day else None
