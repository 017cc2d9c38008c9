"""Automations on the console: read by viewers, switched by marketers, and every count opens into its people."""

from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from domain.operations import automating, programme
from models.automation import Automation
from models.session import Sessions
from tests.support.factories import make_member
from tests.support.moments import NOW

PRESET = Path(programme.__file__).parents[2] / "presets" / "taiwan.yaml"


def apply_preset(sessions: Sessions) -> None:
    with sessions.writing() as session:
        programme.apply(session, programme.read(yaml.safe_load(PRESET.read_text("utf-8"))), by="test", now=NOW)
        session.commit()


def test_each_automation_says_when_and_what(desk: Any, add_staff: Any, sessions: Sessions) -> None:
    apply_preset(sessions)
    add_staff("viewer")
    desk.sign_in("viewer")
    page = desk.get("/console/automations/").text
    assert "when their birth month begins" in page
    assert "Birthday, NT$ 200 off" in page


def test_a_marketer_switches_one_off_and_on(desk: Any, add_staff: Any, sessions: Sessions) -> None:
    apply_preset(sessions)
    add_staff("marketer")
    desk.sign_in("marketer")
    for switch, is_on in (("off", False), ("on", True)):
        assert desk.post(f"/console/automations/birthday/{switch}").status_code == 303
        with sessions.reading() as session:
            row = session.scalars(select(Automation).where(Automation.key == "birthday")).one()
            assert (row.enabled_at is not None) is is_on


def test_a_viewer_may_not_switch(desk: Any, add_staff: Any, sessions: Sessions) -> None:
    apply_preset(sessions)
    add_staff("viewer")
    desk.sign_in("viewer")
    assert "your role does not include it" in desk.post("/console/automations/birthday/off", follow_redirects=True).text
    with sessions.reading() as session:
        assert session.scalars(select(Automation.enabled_at).where(Automation.key == "birthday")).one() is not None


def test_a_count_opens_into_its_people(desk: Any, add_staff: Any, sessions: Sessions) -> None:
    apply_preset(sessions)
    add_staff("marketer")
    desk.sign_in("marketer")
    with sessions.writing() as session:
        make_member(session, name="Mei Lin", birth_month=4, birth_day=2)
        make_member(session, name="Quiet Ken", birth_month=4, birth_day=9, marketing_consent=False)
        row = session.scalars(select(Automation).where(Automation.key == "birthday")).one()
        row.holdout_percent = 0
        later = NOW.replace(month=4, day=1, hour=6)
        automating.enrol(session, row, now=later)
        automating.act(session, now=later)
        session.commit()
    assert "Mei Lin" in desk.get("/console/automations/birthday?state=done").text
    withheld = desk.get("/console/automations/birthday?state=withheld").text
    assert ("Quiet Ken" in withheld, "No consent to marketing" in withheld) == (True, True)


def test_what_it_speaks_of_is_called_by_name(desk: Any, add_staff: Any, sessions: Sessions) -> None:
    apply_preset(sessions)
    add_staff("viewer")
    desk.sign_in("viewer")
    page = desk.get("/console/automations/").text
    assert "when they reach the tier Silver or Gold or Black" in page
    assert "Tea club for 365 days" in page
    assert "grace_days" not in page


def test_one_that_left_the_programme_is_not_listed_and_cannot_be_switched_on(
    desk: Any, add_staff: Any, sessions: Sessions
) -> None:
    apply_preset(sessions)
    add_staff("marketer")
    desk.sign_in("marketer")
    assert "/console/automations/birthday" in desk.get("/console/automations/").text
    data = yaml.safe_load(PRESET.read_text("utf-8"))
    data["automations"] = [each for each in data["automations"] if each["key"] != "birthday"]
    with sessions.writing() as session:
        programme.apply(session, programme.read(data), by="test", now=NOW)
        session.commit()
    page = desk.get("/console/automations/").text
    assert "/console/automations/birthday" not in page
    assert "/console/automations/mission_rewarded" in page
    assert desk.get("/console/automations/birthday").status_code == 404
    desk.post("/console/automations/birthday/on")
    with sessions.reading() as session:
        assert session.scalars(select(Automation.enabled_at).where(Automation.key == "birthday")).one() is None
