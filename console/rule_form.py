"""The rule builder: a rule as a form one can change part by part, and the form back as a rule.

A part is named by its path (`r`, `r-0`, `r-0-1`); `r.join` makes it a group, `r.c` a condition, `r.not` turns
it round, `r.p.NAME` are its parameters. The page works without scripts: adding and removing are buttons.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from domain.errors import Refusal
from domain.rules import Condition, Names, conditions, sentence, validate

Form = MultiDict[str, str]
MOST_PARTS = 60
LISTED = re.compile(r"[,，、\n]+")


@dataclass
class Part:
    """A group or a condition as the form shows it."""

    path: str = "r"
    is_not: bool = False
    join: str = ""
    parts: list["Part"] = field(default_factory=list)
    condition: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> Condition | None:
        return conditions().get(self.condition)

    def rule(self) -> dict[str, Any]:
        """This part as a rule, unchecked."""
        inner: dict[str, Any]
        if self.join:
            inner = {self.join: [part.rule() for part in self.parts]}
        else:
            inner = {"condition": self.condition, **self.values}
        return {"not": inner} if self.is_not else inner

    def words(self, language: str, names: Names) -> str | None:
        """The part as a sentence; None while something is missing."""
        try:
            return sentence(validate(self.rule()), language, names)
        except Refusal:
            return None

    def every(self) -> list["Part"]:
        return [self, *(below for part in self.parts for below in part.every())]


def part_of(rule: Mapping[str, Any]) -> Part:
    """A rule as the builder shows it: always a group at the top."""
    part = _part(rule)
    if not part.join or part.is_not:
        part = Part(join="all", parts=[part] if part.join or part.condition else [])
    return _numbered(part, "r")


def _part(rule: Mapping[str, Any], *, is_not: bool = False) -> Part:
    if "not" in rule:
        return _part(rule["not"], is_not=not is_not)
    for join in ("all", "any"):
        if join in rule:
            return Part(is_not=is_not, join=join, parts=[_part(each) for each in rule[join]])
    if not rule:
        return Part(is_not=is_not, join="all")
    values = {key: value for key, value in rule.items() if key != "condition"}
    return Part(is_not=is_not, condition=str(rule["condition"]), values=values)


def read(form: Form) -> Part:
    """The form as a tree of parts; what is unfinished stays unfinished."""
    return _numbered(_read(form, "r", left=[MOST_PARTS]) or Part(join="all"), "r")


def change(root: Part, act: str) -> Part:
    """Does what a button says: `add PATH`, `group PATH`, `remove PATH`. Unknown acts change nothing."""
    verb, _, path = act.partition(" ")
    found = {part.path: part for part in root.every()}
    target = found.get(path)
    if target is not None and verb == "add" and target.join:
        target.parts.append(Part(condition="has_tag"))
    if target is not None and verb == "group" and target.join:
        target.parts.append(Part(join="any" if target.join == "all" else "all", parts=[Part(condition="has_tag")]))
    above = found.get(path.rpartition("-")[0])
    if target is not None and verb == "remove" and above is not None:
        above.parts.remove(target)
    return _numbered(root, "r")


def _read(form: Form, path: str, *, left: list[int]) -> Part | None:
    left[0] -= 1
    if left[0] < 0:
        return None
    is_not = bool(form.get(f"{path}.not"))
    join = form.get(f"{path}.join")
    if join in ("all", "any"):
        count = _whole(form.get(f"{path}.n", "0")) or 0
        parts = (_read(form, f"{path}-{n}", left=left) for n in range(min(count, MOST_PARTS)))
        return Part(is_not=is_not, join=join, parts=[part for part in parts if part])
    about = conditions().get(form.get(f"{path}.c", ""))
    if about is None:
        return None
    read_values = {each.name: _value(form, f"{path}.p.{each.name}", each) for each in about.fields()}
    values = {name: value for name, value in read_values.items() if value not in (None, "", [])}
    return Part(is_not=is_not, condition=about.name, values=values)


def _value(form: Form, name: str, about: Any) -> Any:
    if about.kind == "choices" or (about.kind == "names" and about.pick):
        return form.getlist(name)
    written = form.get(name, "").strip()
    if about.kind == "names":
        return [each.strip() for each in LISTED.split(written) if each.strip()]
    return _whole(written) if about.kind == "number" else written


def _whole(written: str) -> Any:
    """A whole number; anything else stays as it was written, for the rule to refuse."""
    plain = written.replace(",", "")
    return int(plain) if re.fullmatch(r"-?\d{1,15}", plain) else written or None


def _numbered(part: Part, path: str) -> Part:
    part.path = path
    for number, below in enumerate(part.parts):
        _numbered(below, f"{path}-{number}")
    return part
