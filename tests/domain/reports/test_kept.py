"""What the night counted opens as of that night: figures and lists agree whatever came since (I6)."""

from datetime import date, timedelta

from sqlalchemy.orm import Session

from domain.operations.ranking import keep
from domain.reports.kept import as_of, name_of
from domain.reports.told import page_named
from tests.support.factories import make_member, make_purchase
from tests.support.journey import local
from tests.support.reporting import asked_of, count, listed


def test_a_list_is_as_old_as_the_figure_it_is_opened_from(session: Session) -> None:
    night, page = local(session, date(2026, 3, 10), 5), page_named("four_cell")
    member = make_member(session)
    make_purchase(session, member, paid_at=night - timedelta(days=20), amount=10)
    asked = asked_of(session, page.key, night)
    kept = count(session, page.key, night)
    keep(session, name_of(page, asked), kept, day=date(2026, 3, 9), now=night)
    noon = night + timedelta(hours=7)
    make_purchase(session, member, paid_at=noon - timedelta(hours=1), amount=10)
    at = as_of(session, page, asked, now=noon)
    assert at == night
    assert {cell: len(listed(session, page.key, cell, at).people) for cell in kept} == kept
    assert list(listed(session, page.key, "yes-no", noon).people) == [member.id]
    later = night + timedelta(days=2)
    assert as_of(session, page, asked, now=later) == later
