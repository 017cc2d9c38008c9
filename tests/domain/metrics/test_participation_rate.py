"""Participation of those invited, on both databases (feature M37)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from tests.support.factories import make_member
from tests.support.journey import figure, happened, local, make_campaign, send, share


def test_of_the_invited_who_came(session: Session) -> None:
    at = local(session, date(2026, 2, 5))
    tasting, plain = make_campaign(session, "tasting", at=at), make_campaign(session, "news", at=at)
    came, late, stayed, uninvited = (make_member(session) for _ in range(4))
    for member in (came, late, stayed):
        send(session, tasting, member, at=at)
        send(session, plain, member, at=at)
    happened(session, came, "participated", at + timedelta(days=30), object="tasting")
    happened(session, late, "participated", at + timedelta(days=31), object="tasting")
    happened(session, uninvited, "participated", at + timedelta(days=1), object="tasting")
    found = figure(session, "participation_rate", "2026-02", as_of=local(session, date(2026, 3, 20)))
    assert share(found) == (1, 3)
    assert list(found.parts) == ["tasting"]
