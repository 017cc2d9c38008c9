"""Both databases keep what they are given, and refuse what is ambiguous."""

from datetime import datetime

import pytest
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from tests.support.factories import make_member
from tests.support.moments import NOW


def test_a_moment_comes_back_as_it_was(session: Session) -> None:
    member = make_member(session, registered_at=NOW)
    session.expire(member)
    assert member.registered_at == NOW


def test_a_time_without_a_zone_is_refused(session: Session) -> None:
    with pytest.raises(StatementError, match="naive datetime"):
        make_member(session, registered_at=datetime(2026, 1, 1))  # noqa: DTZ001 (the naive time is the point)
