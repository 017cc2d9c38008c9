"""`forms:` questionnaires, and what their answers turn into."""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy.orm import Session

from domain.operations.programme.sections._section import Listed, Shape, Whole
from domain.operations.programme.sections._words import Key, Texts, wrong
from models import programme


class Band(Shape):
    """What follows a score of `at_least` so much: words, a page to go on to, a tag. The highest reached counts."""

    at_least: int = Field(ge=0)
    text: Texts = {}
    path: str | None = Field(None, pattern=r"^/[\w\-./?=&]*$")
    button: Texts = {}
    tag: Key | None = None


class Form(Listed):
    table = programme.Form

    title: Texts
    intro: Texts = {}
    questions: list[dict[str, Any]]
    is_open: bool = True
    kind: Literal["form", "nps", "csat", "quiz"] = "form"
    bands: list[Band] = []

    def check(self, where: str, whole: Whole) -> None:
        if self.kind in ("nps", "csat"):
            self._check_scale(where)
        if self.kind == "quiz" and not any(option.get("right") for option in self._options()):
            wrong(where, "say which options of a quiz are right")
        tags = {option["tag"] for option in self._options() if option.get("tag")}
        missing = sorted((tags | {band.tag for band in self.bands if band.tag}) - whole.keys("tags"))
        if missing:
            wrong(where, f"there is no tag {missing[0]!r}")

    def _check_scale(self, where: str) -> None:
        asked = next((each for each in self.questions if each.get("kind") == "score"), None)
        if asked is None:
            wrong(where, "a survey has a question of the kind score")
        low, high = (0, 10) if self.kind == "nps" else (1, 5)
        if (int(asked.get("min", 0)), int(asked.get("max", 10))) != (low, high):
            wrong(where, f"the score of {self.kind} goes from {low} to {high}: say min and max")

    def _options(self) -> list[dict[str, Any]]:
        return [option for each in self.questions for option in each.get("options", ())]

    @classmethod
    def is_retired(cls, row: Any) -> bool:
        return not row.is_open

    @classmethod
    def can_retire(cls, session: Session, row: Any) -> bool:
        return True

    @classmethod
    def retire(cls, session: Session, row: Any, *, now: datetime) -> None:
        row.is_open = False
