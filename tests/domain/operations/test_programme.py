"""The programme as a file: what is written can be read back, and a wrong file changes nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from domain.errors import Invalid
from domain.operations import automating, programme
from domain.wording import LANGUAGES
from models.automation import Automation
from models.benefit import Coupon
from models.campaign import Campaign
from models.programme import Tag, Tier, TierLine, the_brand
from tests.support.factories import make_member
from tests.support.moments import NOW

PRESETS = sorted((Path(programme.__file__).parents[2] / "presets").glob("*.yaml"))


TAIWAN = next(path for path in PRESETS if path.stem == "taiwan")


def preset(path: Path = TAIWAN) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_there_are_presets() -> None:
    assert [path.stem for path in PRESETS] == ["japan", "taiwan", "thailand"]


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_says_everything_in_four_languages(path: Path) -> None:
    def check(node: Any, where: str) -> None:
        if isinstance(node, dict):
            if "en" in node:
                assert set(node) == set(LANGUAGES), where
            for key, value in node.items():
                check(value, f"{where}.{key}")
        elif isinstance(node, list):
            for n, value in enumerate(node):
                check(value, f"{where}.{n}")

    check(preset(path), path.stem)


@pytest.mark.parametrize(("name", "currency", "least"), [("japan", "JPY", 30_000), ("thailand", "THB", 1_000)])
def test_a_preset_is_in_its_country_s_money(session: Session, name: str, currency: str, least: int) -> None:
    the_brand(session).currency = currency
    path = next(path for path in PRESETS if path.stem == name)
    programme.apply(session, programme.read(preset(path)), by="test", now=NOW)
    assert session.scalars(select(Tier.threshold).where(Tier.rank == 1)).one() == least


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_a_preset_applies_and_applying_again_changes_nothing(session: Session, path: Path) -> None:
    wanted = programme.read(preset(path))
    assert programme.apply(session, wanted, by="test", now=NOW)
    assert programme.apply(session, wanted, by="test", now=NOW) == []


def test_what_is_exported_reads_back_as_the_same_programme(session: Session) -> None:
    programme.apply(session, programme.read(preset()), by="test", now=NOW)
    written = yaml.safe_dump(programme.export(session), allow_unicode=True, sort_keys=False)
    assert programme.diff(session, programme.read(yaml.safe_load(written))) == []


def test_the_file_says_whether_campaigns_need_a_second_person(session: Session) -> None:
    data = preset()
    data["brand"]["needs_second_person"] = True
    programme.apply(session, programme.read(data), by="test", now=NOW)
    assert the_brand(session).needs_second_person
    assert programme.export(session)["brand"]["needs_second_person"] is True


def test_amounts_are_whole_units_in_the_file_and_minor_units_in_the_table(session: Session) -> None:
    the_brand(session).currency = "THB"
    programme.apply(session, programme.read(preset()), by="test", now=NOW)
    assert session.scalars(select(Tier.threshold).where(Tier.key == "silver")).one() == 500_000
    assert session.scalars(select(Coupon.value).where(Coupon.key == "win_back_30")).one() == 10


def break_tiers(data: Any) -> None:
    data["tiers"][1]["threshold"] = 99_999


def break_rule(data: Any) -> None:
    data["tags"][0]["rule"] = {"condition": "has_wings"}


def break_language(data: Any) -> None:
    data["tiers"][0]["name"]["fr"] = "Général"


def break_coupon(data: Any) -> None:
    data["automations"][0]["actions"][0]["benefit"] = {"coupon": "no_such"}


def break_benefit(data: Any) -> None:
    data["automations"][0]["actions"][0]["benefit"] = {"wings": 2}


def break_reminder(data: Any) -> None:
    data["automations"][0]["actions"] = [{"do": "say", "message": "booking_reminder", "when": "day_before"}]


def break_event(data: Any) -> None:
    data["automations"][0]["trigger"] = {"on": "after_event", "event": "sent"}


def break_word(data: Any) -> None:
    data["coupons"][0]["prize"] = 3


def break_tag_of_rule(data: Any) -> None:
    data["segments"][0]["rule"] = {"not": {"condition": "has_tag", "tag": "no_such"}}


def break_tier_of_trigger(data: Any) -> None:
    data["automations"][0]["trigger"] = {"on": "tier_reached", "tiers": ["no_such"]}


def break_key(data: Any) -> None:
    data["tags"].append(data["tags"][0])


@pytest.mark.parametrize(
    ("breakage", "where"),
    [
        (break_tiers, "tiers"), (break_rule, "tags.0.rule"), (break_language, "tiers.0.name"),
        (break_benefit, "automations.birthday.actions.0"), (break_reminder, "automations.birthday.actions.0"),
        (break_event, "automations.0.trigger"), (break_coupon, "automations.birthday.actions.0"),
        (break_word, "coupons.0.prize"),
        (break_tag_of_rule, "segments.regulars.rule"), (break_tier_of_trigger, "automations.birthday.trigger"),
        (break_key, "tags."),
    ],
)  # fmt: skip
def test_a_wrong_file_changes_nothing_and_says_where(session: Session, breakage: Any, where: str) -> None:
    data = preset()
    breakage(data)
    with pytest.raises(Invalid) as refusal:
        programme.read(data)
    assert where in str(refusal.value)
    assert session.scalar(select(func.count()).select_from(Tier)) == 0


def test_what_the_file_no_longer_names_is_retired_not_deleted(session: Session) -> None:
    programme.apply(session, programme.read(preset()), by="test", now=NOW)
    data = preset()
    data["automations"] = [each for each in data["automations"] if each["key"] != "birthday"]
    data["tags"] = [each for each in data["tags"] if each["key"] != "visits_often"]
    programme.apply(session, programme.read(data), by="test", now=NOW + timedelta(days=1))
    assert session.scalars(select(Automation.enabled_at).where(Automation.key == "birthday")).one() is None
    assert session.scalars(select(Tag.archived_at).where(Tag.key == "visits_often")).one() is not None
    programme.apply(session, programme.read(preset()), by="test", now=NOW + timedelta(days=2))
    assert session.scalars(select(Tag.archived_at).where(Tag.key == "visits_often")).one() is None


def with_birthday(enabled: bool | None) -> Any:
    """The preset with one automation on, off, or not named."""
    data = preset()
    birthday = next(each for each in data["automations"] if each["key"] == "birthday")
    if enabled is None:
        data["automations"].remove(birthday)
    else:
        birthday["enabled"] = enabled
    return data


def exported_birthday(session: Session) -> dict[str, Any] | None:
    rows = programme.export(session)["automations"]
    return next((each for each in rows if each["key"] == "birthday"), None)


def test_an_automation_switched_off_is_in_the_file_and_off_where_the_file_goes(session: Session) -> None:
    programme.apply(session, programme.read(preset()), by="test", now=NOW)
    birthday = session.scalars(select(Automation).where(Automation.key == "birthday")).one()
    automating.disable(session, birthday)
    written = yaml.safe_load(yaml.safe_dump(programme.export(session), allow_unicode=True, sort_keys=False))
    assert [each["enabled"] for each in written["automations"] if each["key"] == "birthday"] == [False]
    assert programme.diff(session, programme.read(written)) == []
    for table in (Automation, Campaign):  # another brand, which has none yet
        session.execute(delete(table))
    programme.apply(session, programme.read(written), by="test", now=NOW)
    there = {row.key: row.enabled_at is not None for row in session.scalars(select(Automation))}
    assert there == {each["key"]: each.get("enabled", True) for each in preset()["automations"]} | {"birthday": False}


@pytest.mark.parametrize("was_on", [True, False])
def test_an_automation_the_file_no_longer_names_is_gone_from_it_until_it_is_named_again(
    session: Session, was_on: bool
) -> None:
    programme.apply(session, programme.read(with_birthday(was_on)), by="test", now=NOW)
    without = programme.read(with_birthday(None))
    done = programme.apply(session, without, by="test", now=NOW + timedelta(days=1))
    assert [(change.what, change.key) for change in done] == [("retire", "birthday")]
    birthday = session.scalars(select(Automation).where(Automation.key == "birthday")).one()
    assert (birthday.archived_at, birthday.enabled_at) == (NOW + timedelta(days=1), None)
    assert exported_birthday(session) is None
    assert programme.diff(session, without) == []
    for day, enabled in ((2, False), (3, True)):
        now = NOW + timedelta(days=day)
        programme.apply(session, programme.read(with_birthday(enabled)), by="test", now=now)
        assert (birthday.archived_at, birthday.enabled_at) == (None, now if enabled else None)
        assert birthday.version == 1
        assert programme.diff(session, programme.read(with_birthday(enabled))) == []


def test_tiers_the_file_no_longer_names_are_reached_no_more(session: Session) -> None:
    data = {"brand": {"name": "A"}, "tiers": preset()["tiers"]}
    programme.apply(session, programme.read(data), by="test", now=NOW)
    for key in ("general", "gold"):
        tier = session.scalars(select(Tier).where(Tier.key == key)).one()
        member = make_member(session)
        session.add(TierLine(member_id=member.id, tier_id=tier.id, reason="joined", at=NOW, cause=f"c:{key}"))
    session.flush()
    data["tiers"] = [
        {"key": "start", "name": {"en": "Start"}},
        {"key": "top", "name": {"en": "Top"}, "threshold": 12_000},
    ]
    programme.apply(session, programme.read(data), by="test", now=NOW)
    tiers = session.execute(select(Tier.key, Tier.rank, Tier.archived_at).order_by(Tier.rank)).all()
    # The file's own come first of those that take the same; those nobody ever stood on are gone.
    assert [tier.key for tier in tiers] == ["start", "general", "top", "gold"]
    assert [tier.rank for tier in tiers] == [0, 1, 2, 3]
    assert [tier.key for tier in tiers if tier.archived_at] == ["general", "gold"]
    assert programme.diff(session, programme.read(programme.export(session))) == []
    assert [tier["key"] for tier in programme.export(session)["tiers"]] == ["start", "top"]


def test_changed_terms_and_rules_make_new_versions(session: Session) -> None:
    programme.apply(session, programme.read(preset()), by="test", now=NOW)
    data = preset()
    data["coupons"][0]["terms"]["en"] = "On NT$ 600 or more"
    data["tags"][0]["rule"]["days"] = 90
    programme.apply(session, programme.read(data), by="test", now=NOW)
    assert session.scalars(select(Coupon.terms_version).where(Coupon.key == data["coupons"][0]["key"])).one() == 2
    assert session.scalars(select(Tag.rule_version).where(Tag.key == data["tags"][0]["key"])).one() == 2


def test_a_moment_without_a_zone_is_the_business_s_own_time(session: Session) -> None:
    data = preset()
    data["coupons"][0]["claim_from"] = "2027-02-01T10:00:00"
    programme.apply(session, programme.read(data), by="test", now=NOW)
    key = data["coupons"][0]["key"]
    claim_from = session.scalars(select(Coupon.claim_from).where(Coupon.key == key)).one()
    assert claim_from is not None
    assert claim_from.isoformat() == "2027-02-01T02:00:00+00:00"
    assert programme.diff(session, programme.read(data)) == []
    written = next(coupon for coupon in programme.export(session)["coupons"] if coupon["key"] == key)
    assert written["claim_from"] == "2027-02-01T10:00:00+08:00"
