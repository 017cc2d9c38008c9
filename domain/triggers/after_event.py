"""Something happened to the person: any kind of event that is news: we learned of it within 48 hours, not from a file.

Nor is what a rule concluded, within two days, from a file of the past: a tag given the night after an import.
"""

from pydantic import field_validator
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import NEWS
from domain.events import KINDS, MESSAGES
from domain.wording import say
from models.arithmetic import hours_later
from models.event import Event
from models.member import Member

# What rules conclude about a person, and in whose name they say it.
CONCLUDED, RULES = ("tagged", "untagged"), ("rule", "expiry")


class Params(triggers.Params):
    event: str
    object: str | None = None

    @field_validator("event")
    @classmethod
    def _known(cls, value: str) -> str:
        known = sorted(KINDS.keys() - set(MESSAGES))
        if value not in known:
            raise ValueError(f"no event {value!r}; there are: {', '.join(known)}")
        return value


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    happened = select(Event.id, Event.member_id, Event.occurred_at, Event.recorded_at, Event.object).where(
        Event.kind == params.event,
        Event.member_id.is_not(None),
        Event.recorded_at > window.since,
        Event.recorded_at <= window.now,
        Event.occurred_at > window.since - NEWS,
        Event.is_history.is_(False),
    )
    if params.event in CONCLUDED:
        until = hours_later(Member.history_at, int(NEWS.total_seconds() // 3600))
        learned = exists().where(Member.id == Event.member_id, Event.recorded_at.between(Member.history_at, until))
        happened = happened.where(Event.source.not_in(RULES) | ~learned)
    if params.object:
        happened = happened.where(Event.object == params.object)
    return [
        triggers.Entry(member_id, f"event:{event_id}", occurred_at, {"event": event_id, "object": what})
        for event_id, member_id, occurred_at, recorded_at, what in session.execute(happened)
        if member_id is not None and recorded_at - occurred_at <= NEWS
    ]


def words(params: Params, language: str) -> str:
    event = say(language, KINDS[params.event].means)
    return say(language, "after: %(event)s", event=f"{event} ({params.object})" if params.object else event)
