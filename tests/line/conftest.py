"""Sending is tried at whatever hour the tests run: quiet hours only where a test is about them."""

import pytest

from models.programme import the_brand
from models.session import Sessions


@pytest.fixture
def sessions(sessions: Sessions) -> Sessions:
    with sessions.writing() as session:
        brand = the_brand(session)
        brand.quiet_from = brand.quiet_until = "03:00"
        session.commit()
    return sessions
