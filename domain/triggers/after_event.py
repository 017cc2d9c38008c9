"""Something happened to the person: any kind of event that is news (we learned of it within 48 hours)."""

from pydantic import field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import triggers
from domain.calendar import NEWS
from domain.events import KINDS
from domain.wording import say
from models.event import Event


class Params(triggers.Params):
    event: str
    object: str | None = None

    @field_validator("event")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in KINDS:
            raise ValueError(f"no event {value!r}; there are: {', '.join(sorted(KINDS))}")
        return value


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    happened = select(Event.id, Event.member_id, Event.occurred_at, Event.recorded_at, Event.object).where(
        Event.kind == params.event,
        Event.member_id.is_not(None),
        Event.recorded_at > window.since,
        Event.recorded_at <= window.now,
        Event.occurred_at > window.since - NEWS,
    )
    if params.object:
        happened = happened.where(Event.object == params.object)
    return [
        triggers.Entry(member_id, f"event:{event_id}", occurred_at, {"event": event_id, "object": what})
        for event_id, member_id, occurred_at, recorded_at, what in session.execute(happened)
        if member_id is not None and recorded_at - occurred_at <= NEWS
    ]


def words(params: Params, language: str) -> str:
    return say(language, "after: %(event)s", event=say(language, KINDS[params.event].means))
