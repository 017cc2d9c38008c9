"""The programme on the console: the owner sees what would change before it does; a wrong file changes nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain.operations import programme
from models.mission import ProgrammeVersion
from models.programme import Tag, Tier, TierLine
from models.session import Sessions
from models.staff import AuditLine
from tests.console.test_automations import PRESET
from tests.domain.operations.test_programme import preset
from tests.domain.operations.test_tiering import buy
from tests.support.factories import make_member


@pytest.fixture
def owner(desk: Any, add_staff: Any) -> Any:
    add_staff("owner")
    desk.sign_in("owner")
    return desk


def test_the_owner_compares_then_applies(owner: Any, sessions: Sessions) -> None:
    text = PRESET.read_text("utf-8")
    assert "tiers.silver" in owner.post("/console/programme/diff", {"text": text}).text
    with sessions.reading() as session:
        assert session.scalars(select(Tier)).all() == []
    assert owner.post("/console/programme/apply", {"text": text}).status_code == 303
    with sessions.reading() as session:
        assert [tier.key for tier in session.scalars(select(Tier))] == ["general", "silver", "gold", "black"]
    assert "Nothing: the programme is already so." in owner.post("/console/programme/diff", {"text": text}).text


@pytest.mark.parametrize("text", ["brand: {name: A}\ntiers: [{key: X!}]", "a: [", "", "- 1"])
def test_a_wrong_file_is_refused_in_words(owner: Any, sessions: Sessions, text: str) -> None:
    answer = owner.post("/console/programme/apply", {"text": text})
    assert answer.status_code == 422
    assert "Nothing was applied" in answer.text
    with sessions.reading() as session:
        assert session.scalars(select(Tier)).all() == []


def test_what_is_downloaded_can_be_applied(owner: Any) -> None:
    owner.post("/console/programme/apply", {"text": PRESET.read_text("utf-8")})
    file = owner.get("/console/programme/file")
    assert file.mimetype == "application/yaml"
    assert "already so" in owner.post("/console/programme/diff", {"text": file.text}).text


def test_only_the_owner_applies(desk: Any, add_staff: Any, sessions: Sessions) -> None:
    add_staff("marketer")
    desk.sign_in("marketer")
    answer = desk.post("/console/programme/apply", {"text": PRESET.read_text("utf-8")}, follow_redirects=True)
    assert "your role does not include it" in answer.text
    with sessions.reading() as session:
        assert session.scalars(select(Tier)).all() == []


@pytest.fixture
def marketer(desk: Any, add_staff: Any, sessions: Sessions) -> Any:
    """Signed in, with the Taiwan programme applied."""
    with sessions.writing() as session:
        programme.apply(session, programme.read(preset()), by="owner", now=datetime.now(UTC) - timedelta(days=1))
        session.commit()
    add_staff("marketer")
    desk.sign_in("marketer")
    return desk


def life_days(sessions: Sessions, key: str) -> int | None:
    with sessions.reading() as session:
        return session.scalar(select(Tag.life_days).where(Tag.key == key, Tag.archived_at.is_(None)))


ENTRY = "/console/programme/entries"


def test_a_marketer_changes_one_thing_as_text(marketer: Any, sessions: Sessions) -> None:
    page = marketer.get(f"{ENTRY}/tags/tea_lover").text
    assert "life_days: 365" in page
    with sessions.reading() as session:
        tag = next(tag for tag in programme.export(session)["tags"] if tag["key"] == "tea_lover")
    text = programme.write_text({**tag, "life_days": 30})
    said = marketer.post(f"{ENTRY}/tags/tea_lover/diff", {"text": text}).text
    assert "life_days: 365 → 30" in said
    assert "ware_lover" not in said
    assert life_days(sessions, "tea_lover") == 365
    assert marketer.post(f"{ENTRY}/tags/tea_lover/apply", {"text": text}).status_code == 303
    assert life_days(sessions, "tea_lover") == 30
    with sessions.reading() as session:
        line = session.scalars(select(AuditLine).where(AuditLine.action == "programme_applied")).one()
        assert (line.data["section"], line.data["key"]) == ("tags", "tea_lover")


def test_a_new_thing_is_filled_in_and_one_is_removed(marketer: Any, sessions: Sessions) -> None:
    assert "# life_days:" in marketer.get(f"{ENTRY}/tags/new").text
    text = "key: picnic\nname: {en: Picnic}\nlife_days: 9\n"
    assert marketer.post(f"{ENTRY}/tags/new/apply", {"text": text}).status_code == 303
    assert life_days(sessions, "picnic") == 9
    said = marketer.post(f"{ENTRY}/tags/picnic/diff", {"text": text, "do": "remove"}).text
    assert "Remove it" in said
    marketer.post(f"{ENTRY}/tags/picnic/apply", {"text": text, "do": "remove"})
    assert life_days(sessions, "picnic") is None


@pytest.mark.parametrize("section", sorted(programme.LISTED))
def test_every_section_has_an_empty_thing_to_fill_in(owner: Any, section: str) -> None:
    assert "key:" in owner.get(f"{ENTRY}/{section}/new").text


def test_a_wrong_entry_says_where_and_changes_nothing(marketer: Any, sessions: Sessions) -> None:
    for text in ("- 1", "key: tea_lover\nname: {en: A}\nrule: {condition: has_tag, tag: no_such}", "a: ["):
        answer = marketer.post(f"{ENTRY}/tags/tea_lover/apply", {"text": text})
        assert answer.status_code == 422
        assert "Nothing was applied" in answer.text
    assert life_days(sessions, "tea_lover") == 365


@pytest.mark.parametrize("section", ["tiers", "brand", "points"])
def test_what_is_the_owners_a_marketer_does_not_change(marketer: Any, section: str) -> None:
    key = "gold" if section == "tiers" else section
    answer = marketer.post(f"{ENTRY}/{section}/{key}/apply", {"text": "name: B"}, follow_redirects=True)
    assert "Only the owner changes this part" in answer.text


def test_versions_are_listed_and_gone_back_to(owner: Any, sessions: Sessions) -> None:
    apply = "/console/programme/apply"
    owner.post(apply, {"text": PRESET.read_text("utf-8")})
    lower = PRESET.read_text("utf-8").replace("threshold: 15000", "threshold: 12000")
    owner.post(apply, {"text": lower, "words": "Gold for more people"})
    listed = owner.get("/console/programme/versions/").text
    assert "Gold for more people" in listed
    assert "As it stood before" in listed
    with sessions.reading() as session:
        version = session.scalars(select(ProgrammeVersion).order_by(ProgrammeVersion.id)).all()[1]
    assert "tiers.gold" in owner.get(f"/console/programme/versions/{version.id}").text
    assert owner.post(f"/console/programme/versions/{version.id}/back").status_code == 303
    with sessions.reading() as session:
        assert session.scalars(select(Tier.threshold).where(Tier.key == "gold")).one() == 15_000


def test_a_planned_programme_is_listed_and_cancelled(owner: Any, sessions: Sessions) -> None:
    day = (datetime.now(UTC) + timedelta(days=9)).date().isoformat()
    said = owner.post(
        "/console/programme/apply", {"text": PRESET.read_text("utf-8"), "day": day}, follow_redirects=True
    )
    assert f"applied when {day} begins" in said.text
    with sessions.reading() as session:
        version = session.scalars(select(ProgrammeVersion)).one()
        assert (version.state, session.scalars(select(Tier)).all()) == ("planned", [])
    owner.post(f"/console/programme/versions/{version.id}/cancel")
    assert "Cancelled" in owner.get("/console/programme/versions/").text
    refused = owner.post("/console/programme/apply", {"text": PRESET.read_text("utf-8"), "day": "2020-01-01"})
    assert refused.status_code == 409


def test_a_planned_programme_that_failed_needs_a_person(owner: Any, sessions: Sessions) -> None:
    with sessions.writing() as session:
        now = datetime.now(UTC)
        version = programme.plan(
            session, programme.read(preset()), by="owner", applies_at=now + timedelta(days=1), now=now
        )  # fmt: skip
        version.state, version.error = "failed", "at tags.x, there is no tag 'y'"
        session.commit()
    assert "could not be applied" in owner.get("/console/health/").text
    assert "there is no tag" in owner.get("/console/programme/versions/").text


def test_what_if_counts_open_into_their_people_and_apply_from_a_day(owner: Any, sessions: Sessions) -> None:
    now = datetime.now(UTC)
    with sessions.writing() as session:
        programme.apply(session, programme.read(preset()), by="owner", now=now - timedelta(days=300))
        tiers = {tier.key: tier.id for tier in session.scalars(select(Tier))}
        for name, amount in (("Rising Mei", 12_500), ("Staying Tom", 9_000)):
            member = make_member(session, name=name, tier_id=tiers["silver"])
            buy(session, member, now - timedelta(days=40), amount)
        session.commit()
    asked = "/console/programme/what-if/?silver=5000&gold=12000&black=30000"
    page = owner.get(asked).text
    assert "1 person rises on the day it begins." in page
    assert "A gift on reaching a tier" in page
    assert "You are now Gold" in page
    people = "/console/programme/what-if/people?from_tier=silver&to_tier=gold&silver=5000&gold=12000&black=30000"
    assert "Rising Mei" in owner.get(people).text
    assert "Staying Tom" not in owner.get(people).text
    day = (now + timedelta(days=9)).date().isoformat()
    typed = {"silver": "5000", "gold": "12000", "black": "30000", "day": day, "words": "Gold for more"}
    assert owner.post("/console/programme/what-if/apply", typed).status_code == 303
    with sessions.reading() as session:
        version = session.scalars(select(ProgrammeVersion).order_by(ProgrammeVersion.id.desc()).limit(1)).one()
        assert version.state == "planned"
        assert (
            next(tier for tier in version.document["programme"]["tiers"] if tier["key"] == "gold")["threshold"]
            == 12_000
        )
        assert session.scalars(select(Tier.threshold).where(Tier.key == "gold")).one() == 15_000
        assert session.scalars(select(TierLine)).all() == []


@pytest.mark.parametrize("asked", ["gold=many", "gold=400", "platinum=5"])
def test_thresholds_that_cannot_be_are_refused(owner: Any, asked: str) -> None:
    owner.post("/console/programme/apply", {"text": PRESET.read_text("utf-8")})
    answer = owner.get(f"/console/programme/what-if/?{asked}")
    assert (answer.status_code, "Nothing was worked out" in answer.text) == (422, True)


def test_a_marketer_sets_a_tier_by_hand_and_takes_it_back(marketer: Any, sessions: Sessions) -> None:
    with sessions.writing() as session:
        ref = make_member(session, name="Guest Lin").ref
        session.commit()
    assert f"/console/members/{ref}/tier" in marketer.get(f"/console/members/{ref}").text
    day = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    where = f"/console/members/{ref}/tier"
    refused = marketer.post(where, {"tier": "gold", "until": day, "words": " "}, follow_redirects=True)
    assert "say why" in refused.text
    assert marketer.post(where, {"tier": "gold", "until": day, "words": "Writes about tea"}).status_code == 303
    page = marketer.get(f"/console/members/{ref}").text
    assert "Tier: Gold" in page
    assert "Writes about tea" in page
    assert marketer.post(f"{where}/end", {"words": "A mix-up"}).status_code == 303
    assert "Tier: General" in marketer.get(f"/console/members/{ref}").text
