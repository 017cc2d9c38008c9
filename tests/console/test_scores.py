"""The page of scores says how far to trust them, and every number opens into its people."""

import re
from datetime import timedelta

import pytest

from jobs import scores
from jobs.runner import quiet
from models.packing import pack
from models.programme import the_brand
from models.score import Forecast, MemberForecast, MemberScore, ModelFit
from tests.support.factories import make_member, make_purchase
from tests.support.moments import NOW

PAGE = "/console/scores/"


@pytest.fixture
def scored(sessions):
    with sessions.writing() as session:
        for n in range(7):
            member = make_member(session)
            if n < 5:
                make_purchase(session, member, paid_at=NOW - timedelta(days=10), amount=900)
            if n < 2:
                make_purchase(session, member, paid_at=NOW - timedelta(days=40), amount=900)
        session.commit()
    scores.run(sessions, now=NOW, progress=quiet)
    return sessions


def forecast(sessions, expected: float, happened: int | None) -> None:
    with sessions.writing() as session:
        made = NOW.date() - timedelta(days=120)
        session.add(Forecast(as_of=made, band="low", count=90, expected=expected, ids=pack([]), happened=happened))
        session.commit()


def test_every_number_opens_into_its_people(signed_in, scored):
    desk = signed_in("viewer")
    page = desk.get(PAGE)
    assert page.status_code == 200
    links = re.findall(r'href="(/console/scores/people\?[^"]+)">(\d+)<', page.text)
    assert len(links) >= 4
    for path, count in links:
        listed = desk.get(path.replace("&amp;", "&")).text
        assert len(set(re.findall(r'href="/console/members/(M\w+)"', listed))) == int(count), path


def test_a_refused_model_says_why(signed_in, scored):
    page = signed_in("viewer").get(PAGE).text
    assert "There are fewer than 300 buyers" in page
    assert "Nothing is forecast yet" in page
    assert "Bought in the last 30 days" in page


@pytest.mark.parametrize(
    ("happened", "warns"), [(100, False), (80, False), (79, True), (134, True), (133, False), (0, True)]
)
def test_a_forecast_off_by_more_than_a_quarter_is_warned_of(signed_in, scored, happened, warns):
    forecast(scored, 100.0, happened)
    page = signed_in("viewer").get(PAGE).text
    assert ("More than a quarter off" in page) == warns


def test_a_model_in_use_shows_its_parameters(signed_in, scored):
    with scored.writing() as session:
        session.query(ModelFit).delete()
        session.add(
            ModelFit(
                model="mbg_nbd",
                as_of=NOW.date(),
                params={"r": 0.525, "alpha": 43.28, "a": 0.891, "b": 1.614},
                log_likelihood=-14363.2,
                facts={"buyers": 2357, "repeaters": 946, "t90": 262.0},
                fitted_at=NOW,
            )
        )
        session.commit()
    page = signed_in("viewer").get(PAGE).text
    assert "0.5250" in page
    assert "2,357" in page
    assert "-14,363.2" in page


def test_before_the_first_night_it_says_what_will_come(signed_in):
    desk = signed_in("viewer")
    assert "No scores yet" in desk.get(PAGE).text
    assert desk.get(f"{PAGE}people?score=rfm&value=nonsense").status_code == 404


def test_store_staff_do_not_see_it(signed_in):
    assert signed_in("store").get(PAGE).status_code in {302, 403}


def test_a_person_is_told_of_in_words(signed_in, scored):
    with scored.writing() as session:
        member = make_member(session, name="Mei")
        session.add(
            MemberScore(
                member_id=member.id,
                as_of=NOW.date(),
                last_day=NOW.date() - timedelta(days=45),
                cycle_days=30,
                due_on=NOW.date() - timedelta(days=15),
                rfm_r=4,
                rfm_f=5,
                rfm_m=5,
                rfm_group="vip",
                napl="L",
                purchase_days=9,
                amount_trend=80,
                affinity=[["Oolong", 5]],
                funnel_stage="cart",
                napl_purchases="A",
                quintile_r=1,
                quintile_f=2,
                quintile_m=3,
                quintile_group="asleep",
            )
        )
        session.add(
            MemberForecast(
                member_id=member.id,
                as_of=NOW.date(),
                p_alive=0.8,
                p_buys_90d=0.61,
                churn_band="low",
                expected_value_12m=4321,
                clv_band="A",
            )
        )
        session.commit()
        ref = member.ref
    desk = signed_in("marketer")
    page = desk.get(f"/console/members/{ref}").text
    for words in ("Loyal", "VIP", "4-5-5", "every 30 days", "Low risk", "61 in 100", "4,321", "Oolong"):
        assert words in page, words
    with scored.writing() as session:
        the_brand(session).rfm_by = "quintiles"
        the_brand(session).napl_by = "purchases"
        session.commit()
    page = desk.get(f"/console/members/{ref}").text
    for words in ("Buys repeatedly", "by purchases alone", "1-2-3 among all buyers", "Asleep"):
        assert words in page, words
