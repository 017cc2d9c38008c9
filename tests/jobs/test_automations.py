"""The automations job: an automation that cannot be read stops no other, and the run says so."""

import pytest
from sqlalchemy import select

from domain.operations import automating
from jobs import automations
from models.automation import Automation, Enrolment
from models.session import Sessions
from tests.support.factories import make_member
from tests.support.moments import NOW


def test_a_broken_automation_stops_no_other(sessions: Sessions) -> None:
    with sessions.writing() as session:
        make_member(session)
        everyone = {"on": "rule_holds", "rule": {}}
        for key in ("broken", "sound"):
            row = Automation(key=key, trigger=everyone, actions=[], holdout_percent=0)
            session.add(row)
            session.flush()
            automating.enable(session, row, including_present=True, now=NOW)
            if key == "broken":
                row.trigger = {"on": "rule_holds", "rule": {"condition": "of_yesterday"}}
        session.commit()
    with pytest.raises(KeyError):
        automations.run(sessions, now=NOW, progress=lambda *_: None)
    with sessions.reading() as session:
        done = session.execute(select(Automation.key, Enrolment.state).join(Enrolment)).all()
    assert [tuple(row) for row in done] == [("sound", "done")]
