"""The night's re-tagging in one transaction of a test's own."""

from datetime import datetime

from sqlalchemy.orm import Session

from domain.operations import retagging, tagging


def retag(session: Session, *, now: datetime) -> dict[str, int]:
    """Asks everyone about every rule tag, and closes what has run out."""
    report = {"given": 0, "renewed": 0, "taken": 0, "run_out": tagging.close_run_out(session, now=now)}
    for tag_id in retagging.rule_tags(session):
        found = retagging.plan(session, tag_id, now=now)
        for piece in retagging.pieces(found):
            retagging.carry_out(session, piece, now=now)
        report["given"] += len(found.to_give)
        report["renewed"] += len(found.to_renew)
        report["taken"] += len(found.to_take)
    return report
