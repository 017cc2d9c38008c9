"""The person behind what is shown at the counter: the card's code, or the code of one of their coupons."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from console.finding import find_at_counter
from domain.errors import Refusal
from domain.operations import claiming
from models.codes import make_claim_code, make_code
from tests.support.factories import make_coupon, make_member

SECRET = "a-secret-only-tests-know-0123456789"


def test_a_coupons_code_opens_its_member_like_the_cards(session: Session, now: datetime) -> None:
    member = make_member(session)
    claim = claiming.claim(session, member, make_coupon(session).key, now=now)

    for code in (make_code(SECRET, member.ref, now), make_claim_code(SECRET, claim.ref, now)):
        assert find_at_counter(session, code, secret=SECRET, now=now).id == member.id
        with pytest.raises(Refusal) as refused:
            find_at_counter(session, code, secret=SECRET, now=now + timedelta(minutes=2))
        assert refused.value.code == "code_over"


def test_a_code_is_good_for_one_thing_only(session: Session, now: datetime) -> None:
    member = make_member(session)
    forged = make_code(SECRET, member.ref, now).replace("R1.", "C1.", 1)
    with pytest.raises(Refusal):
        find_at_counter(session, forged, secret=SECRET, now=now)
