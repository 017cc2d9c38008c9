"""Keeps everyone's RFM quintiles in step: where somebody stands among the buyers moves when the others do."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import func, null, or_, select, update
from sqlalchemy.orm import Session

from domain.operations.recording import insert_for
from domain.scores import rfm_quintiles
from domain.scores.rfm_quintiles import Cuts
from models.score import KeptReport, MemberScore

KEPT = "rfm_quintiles"


def cuts(session: Session, *, day: date) -> Cuts | None:
    """The cut points among the buyers as scored for `day`; None when there are too few to cut."""
    buyers = session.scalar(select(func.count()).select_from(MemberScore).where(MemberScore.days_365 > 0)) or 0
    if buyers < rfm_quintiles.NEEDED_BUYERS:
        return None
    placed: dict[str, dict[int, int]] = {
        name: dict(session.execute(rfm_quintiles.ordered(MemberScore, value, buyers)).all())
        for name, value in rfm_quintiles.figures(MemberScore, day).items()
    }
    return rfm_quintiles.cuts_of(buyers, placed)


def move_quintiles(session: Session, *, day: date, cut: Cuts | None, ids: tuple[int, int]) -> int:
    """Puts the quintiles of a range of ids in step with the cut points; how many rows changed."""
    scores: dict[str, Any] = (
        dict.fromkeys(("quintile_r", "quintile_f", "quintile_m", "quintile_group"), null())
        if cut is None
        else rfm_quintiles.scores(MemberScore, day, cut)
    )
    differs = or_(*(getattr(MemberScore, name).is_distinct_from(value) for name, value in scores.items()))
    moved = update(MemberScore).where(MemberScore.member_id.between(*ids), differs).values(**scores, as_of=day)
    done: Any = session.execute(moved, execution_options={"synchronize_session": False})
    return int(done.rowcount)


def keep_cuts(session: Session, *, day: date, cut: Cuts | None, now: datetime) -> None:
    """For the page that says what the quintiles rest on; cut points times five, as they are compared."""
    document = {} if cut is None else {
        "buyers": cut.buyers, "recency": cut.recency, "frequency": cut.frequency, "monetary": cut.monetary,
    }  # fmt: skip
    keep(session, KEPT, document, day=day, now=now)


def keep(session: Session, name: str, document: dict[str, Any], *, day: date, now: datetime) -> None:
    """Puts the night's answer where pages read it."""
    values = {"as_of": day, "document": document, "made_at": now}
    statement = insert_for(session)(KeptReport).values(name=name, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
