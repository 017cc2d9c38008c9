"""`keyword_answers:` what the bot answers to a word."""

from datetime import datetime
from typing import Any

from pydantic import Field
from sqlalchemy.orm import Session

from domain.operations.programme.sections._section import Listed
from domain.operations.programme.sections._words import Texts
from models import programme


class KeywordAnswer(Listed):
    table = programme.KeywordAnswer

    keywords: list[str] = Field(min_length=1)
    text: Texts
    link_path: str | None = None

    @classmethod
    def can_retire(cls, session: Session, row: Any) -> bool:
        return True

    @classmethod
    def retire(cls, session: Session, row: Any, *, now: datetime) -> None:
        """Nothing rests on an answer, so it goes."""
        session.delete(row)
