"""The presets of Japan and Thailand on a brand of that money and clock: a member's weeks, and the file read back."""

from datetime import date, timedelta

import pytest
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from domain.operations import programme
from models.benefit import Coupon, CouponClaim
from models.outbox import OutgoingMessage
from models.programme import Tier, the_brand
from tests.support.preset_shop import OPENED, PresetShop, all_on, open_shop, read

DAY = timedelta(days=1)
# currency, clock, days of silence, what comes back, the birthday coupon, stamps, their price, the stamp card's reward
COUNTRIES = {
    "japan": ("JPY", "Asia/Tokyo", 60, "birthday", 10, 1_000, "point_card"),
    "thailand": ("THB", "Asia/Bangkok", 30, "birthday_drink", 9, 6_000, "tenth_cup"),
}


@pytest.fixture(params=COUNTRIES)
def country(session: Session, request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    brand = the_brand(session)
    brand.currency, brand.business_timezone = COUNTRIES[name][:2]
    open_shop(session, name)
    return name


def test_silence_and_a_birthday_are_answered_once_outside_the_quiet_hours(session: Session, country: str) -> None:
    _, _, silence, birthday, *_ = COUNTRIES[country]
    shop = PresetShop(session)
    shop.rows = ["birthday", f"win_back_{silence}"]
    mei = shop.somebody(birth_date=date(1990, 2, 9), birth_month=2, birth_day=9)
    other = shop.somebody()
    shop.buys(mei, OPENED)
    for day in (date(2027, 2, 1), OPENED + silence * DAY):
        shop.clock(day - DAY)
        shop.night(day)
        for hour in (11, 12):
            shop.clock(day, hour)
    assert shop.has(mei) == sorted([f"coupon {birthday}", "coupon win_back", "says birthday", "says win_back"])
    assert shop.has(other) == []
    due = session.scalars(select(OutgoingMessage.due_at).where(OutgoingMessage.member_id == mei.id)).all()
    assert not any(the_brand(session).is_quiet(at) for at in due)


def test_the_stamp_card_fills_in_its_own_money(session: Session, country: str) -> None:
    *_, stamps, least, reward = COUNTRIES[country]
    shop = PresetShop(session)
    mei = shop.somebody()
    shop.buys(mei, *(OPENED + n * DAY for n in range(1, stamps)), amount=least)
    shop.buys(mei, OPENED + 30 * DAY, amount=least - 1)
    given = select(CouponClaim.id).join(Coupon).where(CouponClaim.member_id == mei.id, Coupon.key == reward)
    assert session.scalars(given).all() == []
    shop.buys(mei, OPENED + 31 * DAY, amount=least)
    assert len(session.scalars(given).all()) == 1


def test_it_reads_back_as_the_file_says(session: Session, country: str) -> None:
    written = yaml.safe_load(yaml.safe_dump(programme.export(session), allow_unicode=True, sort_keys=False))
    assert programme.diff(session, programme.read(written)) == []
    assert programme.diff(session, programme.read(all_on(country))) == []
    for section in ("tiers", "coupons", "missions", "automations", "keyword_answers"):
        assert {row["key"] for row in written[section]} == {row["key"] for row in read(country)[section]}
    assert session.scalars(select(Tier.key).order_by(Tier.rank)).all() == [row["key"] for row in read(country)["tiers"]]
