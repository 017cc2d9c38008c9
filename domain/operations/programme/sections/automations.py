"""`automations:` when something happens → for whom → after a wait → do."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Literal

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from domain.operations import automating
from domain.operations.programme.sections._benefits import check_benefit
from domain.operations.programme.sections._rules import check_rule, holding
from domain.operations.programme.sections._section import Listed, Shape, Touch, Whole
from domain.operations.programme.sections._words import Clock, Key, Rule, Texts, Trigger, wrong
from domain.wording import mark
from models import automation

_WAITS = automation.Enrolment.state == "waiting"


class Wait(Shape):
    days: int = Field(0, ge=0)
    hours: int = Field(0, ge=0)
    at: Clock | None = None


class Action(Shape):
    do: Literal["grant", "say", "tag", "task"]
    benefit: dict[str, Any] | None = None
    promised: bool = False
    optional: bool = False  # without the benefit, the rest is done all the same
    message: Key | None = None
    when: Literal["day_before", "same_day"] | None = None
    texts: dict[Literal["title", "body", "button"], Texts] | None = None
    path: str | None = None
    tag: Key | None = None
    text: Texts | None = None
    assignee: str | None = Field(None, max_length=64)  # of a task: the sign-in name of who sees to it

    def check(self, where: str, of: "Automation", whole: Whole) -> None:
        if self.do == "grant":
            check_benefit(where, self.benefit or {}, whole)
        if self.do == "tag" and self.tag not in whole.keys("tags"):
            wrong(where, f"there is no tag {self.tag!r}")
        if self.do == "task" and not self.text:
            wrong(where, "say the text of the task")
        if self.do == "say":
            self._check_say(where, of)

    def _check_say(self, where: str, of: "Automation") -> None:
        if not self.message:
            wrong(where, "name the message")
        if self.message != "booking_reminder":
            return None if self.texts else wrong(where, "say the texts of the message")
        if of.trigger["on"] != "before_booking":
            wrong(where, "only the trigger before_booking knows of which visit to remind")
        if of.kind != "service" or not self.when:
            wrong(where, "a reminder is of the kind service, and says when: day_before or same_day")
        return None


class Automation(Listed):
    table = automation.Automation

    name: Texts
    kind: Literal["service", "marketing"] = "marketing"
    trigger: Trigger
    rule: Rule = None
    wait: Wait = Wait()
    actions: list[Action] = Field(min_length=1)
    holdout_percent: int = Field(10, ge=0, le=50)
    reentry_days: int | None = Field(None, ge=1)
    enabled: bool = True

    @classmethod
    def more_from_row(cls, session: Session, row: Any) -> dict[str, Any]:
        return {"enabled": row.enabled_at is not None}

    def to_columns(self, session: Session) -> dict[str, Any]:
        values = self.model_dump(exclude={"enabled"})
        values["wait"] = self.wait.model_dump(exclude_none=True, exclude_defaults=True)
        values["actions"] = [action.model_dump(exclude_none=True, exclude_defaults=True) for action in self.actions]
        return values

    @classmethod
    def touches(cls, session: Session, row: Any, item: Any, changed: Collection[str], *, now: datetime) -> list[Touch]:
        is_on, goes_on = row is not None and row.enabled_at is not None, item is not None and item.enabled
        if is_on and not goes_on:
            waiting = select(func.count()).where(automation.Enrolment.automation_id == row.id, _WAITS)
            return [Touch(mark("%(n)s people who wait in it leave."), {"n": session.scalars(waiting).one()})]
        if not goes_on or (is_on and "trigger" not in changed):
            return []
        if item.trigger["on"] != "rule_holds":
            return [Touch(mark("It begins with what happens from now on."), {})]
        so = holding(session, item.trigger["rule"], now=now)
        return [
            Touch(mark("%(n)s people are so already and do not enter; whoever becomes so from now on does."), {"n": so})
        ]

    def check(self, where: str, whole: Whole) -> None:
        if self.trigger["on"] == "rule_holds":
            check_rule(f"{where}.trigger", self.trigger["rule"], whole)
        gone = set(self.trigger.get("tiers", [])) - whole.keys("tiers")
        if gone:
            wrong(f"{where}.trigger", f"there is no tier {sorted(gone)[0]!r}")
        for n, action in enumerate(self.actions):
            action.check(f"{where}.actions.{n}", self, whole)

    @classmethod
    def retire(cls, session: Session, row: Any, *, now: datetime) -> None:
        row.archived_at = now
        automating.disable(session, row)

    def written(self, session: Session, row: Any, changed: Collection[str], *, now: datetime) -> None:
        if set(changed) - {"enabled", "archived"}:
            row.version += 1
        if not self.enabled:
            automating.disable(session, row)
        elif row.enabled_at is None:
            automating.enable(session, row, now=now)
        elif "trigger" in changed:
            automating.trigger_changed(session, row, now=now)
