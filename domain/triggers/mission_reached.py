"""A round of a mission was reached and rewarded."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from domain import triggers
from domain.wording import say
from models.mission import Mission, MissionRound


class Params(triggers.Params):
    mission: str | None = None  # None: any


def entries(session: Session, params: Params, window: triggers.Window) -> list[triggers.Entry]:
    rewarded = (
        select(MissionRound, Mission.key)
        .join(Mission, Mission.id == MissionRound.mission_id)
        .where(MissionRound.rewarded_at > window.since, MissionRound.rewarded_at <= window.now)
    )
    if params.mission is not None:
        rewarded = rewarded.where(Mission.key == params.mission)
    found = []
    for row, key in session.execute(rewarded):
        assert row.rewarded_at is not None  # the query asks for it
        evidence = {"mission": key, "period": row.period, "round": row.round}
        if "claim" in row.evidence:
            evidence["claim"] = row.evidence["claim"]
        found.append(triggers.Entry(row.member_id, f"mission:{row.id}", row.rewarded_at, evidence))
    return found


def words(params: Params, language: str) -> str:
    if params.mission is None:
        return say(language, "when a mission is reached")
    return say(language, "when the mission %(mission)s is reached", mission=params.mission)
