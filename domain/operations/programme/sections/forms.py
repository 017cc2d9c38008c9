"""`forms:` questionnaires, and what their answers turn into."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from domain.operations.programme.sections._section import Listed
from domain.operations.programme.sections._words import Texts
from models import programme


class Form(Listed):
    table = programme.Form

    title: Texts
    intro: Texts = {}
    questions: list[dict[str, Any]]
    is_open: bool = True

    @classmethod
    def is_retired(cls, row: Any) -> bool:
        return not row.is_open

    @classmethod
    def can_retire(cls, session: Session, row: Any) -> bool:
        return True

    @classmethod
    def retire(cls, session: Session, row: Any, *, now: datetime) -> None:
        row.is_open = False
