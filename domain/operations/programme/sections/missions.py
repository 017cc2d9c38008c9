"""`missions:` what is counted of whom, within which days, and what reaching the target brings."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationError
from sqlalchemy.orm import Session

from domain.operations import missions
from domain.operations.programme.sections._benefits import check_benefit
from domain.operations.programme.sections._section import Listed, Whole
from domain.operations.programme.sections._words import Rule, Texts, wrong
from domain.scores._mission import Measure, Window
from models import mission


def _measure(value: dict[str, Any]) -> dict[str, Any]:
    return _said(Measure, value)


def _window(value: dict[str, Any]) -> dict[str, Any]:
    return _said(Window, value)


def _said(shape: type[Measure | Window], value: dict[str, Any]) -> dict[str, Any]:
    """As it was said, checked; days of the calendar as text, as the table keeps them."""
    try:
        read = shape.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        why = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{where}: {why}" if where else why) from None
    return read.model_dump(mode="json", by_alias=True, exclude_defaults=True)


class Mission(Listed):
    table = mission.Mission

    name: Texts
    text: Texts = {}
    measure: Annotated[dict[str, Any], AfterValidator(_measure)]
    target: int = Field(ge=1)
    window: Annotated[dict[str, Any], AfterValidator(_window)] = {}
    rule: Rule = None
    reward: dict[str, Any]
    rounds: int | None = Field(1, ge=1)
    rewards_per_month: int | None = Field(None, ge=1)
    is_shown: bool = True
    enabled: bool = True

    @classmethod
    def more_from_row(cls, session: Session, row: Any) -> dict[str, Any]:
        return {"enabled": row.enabled_at is not None}

    def to_columns(self, session: Session) -> dict[str, Any]:
        return self.model_dump(exclude={"enabled"})

    def check(self, where: str, whole: Whole) -> None:
        check_benefit(f"{where}.reward", self.reward, whole)
        stores = set(self.measure.get("stores", ())) - whole.keys("stores")
        if stores:
            wrong(f"{where}.measure", f"there is no store {sorted(stores)[0]!r}")

    def written(self, session: Session, row: Any, changed: Collection[str], *, now: datetime) -> None:
        if set(changed) - {"enabled", "archived"}:
            row.version += 1
        if not self.enabled:
            missions.disable(session, row)
        elif row.enabled_at is None:
            missions.enable(session, row, now=now)

    @classmethod
    def retire(cls, session: Session, row: Any, *, now: datetime) -> None:
        missions.disable(session, row)
        row.archived_at = now
