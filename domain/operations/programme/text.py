"""The programme as people write it: YAML in and out; what is wrong is said with its line."""

from typing import Any

import yaml

from domain.errors import Invalid
from domain.operations.programme.sections._words import INVALID
from domain.operations.programme.whole import LISTED, SINGLE, Programme, read
from domain.wording import mark

LARGEST = 1_000_000  # characters; a programme is some tens of thousands


def read_text(text: str) -> Programme:
    """A programme from YAML. Raises Invalid saying where it is wrong, by line where that can be told, and why."""
    if not text.strip() or len(text) > LARGEST:
        raise Invalid(mark("Nothing was applied: there was no programme in it. Paste the whole file."))
    data = parse(text)
    try:
        return read(data)
    except Invalid as refusal:
        line = _line(text, str(refusal.values.get("where", "")).split("."))
        if refusal.code != INVALID or line is None:
            raise
        raise Invalid(
            mark("Nothing was applied: at %(where)s (line %(line)s), %(why)s. Correct it and apply again."),
            code=INVALID, line=line, **refusal.values,
        ) from None  # fmt: skip


def parse(text: str) -> Any:
    """YAML as plain data. Raises Invalid with the line."""
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        where = getattr(error, "problem_mark", None)
        raise Invalid(
            mark("Nothing was applied: line %(line)s is not YAML. Correct it and try again."),
            line=where.line + 1 if where else "?",
        ) from None


def write_text(document: Any) -> str:
    """Plain data as YAML, in the order in which it stands."""
    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=100)
    return text


def _line(text: str, path: list[str]) -> int | None:
    """The line of the deepest part of `path` that the text has; None when not even its first part is there."""
    node, line = yaml.compose(text, Loader=yaml.SafeLoader), None
    for step in path:
        node = _inside(node, step)
        if node is None:
            return line
        line = node.start_mark.line + 1
    return line


def _inside(node: Any, step: str) -> Any:
    """The value of a key, the item of that number, or the item of that `key:`."""
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode):
        if step.isdigit():
            return node.value[int(step)] if int(step) < len(node.value) else None
        return next((item for item in node.value if getattr(_inside(item, "key"), "value", None) == step), None)
    return None


def skeleton(section: str) -> str:
    """A new thing of a section to fill in: what must be said, and what may be, with its default."""
    shape = LISTED.get(section) or SINGLE[section]
    must, may = [], []
    for name, field in shape.model_fields.items():
        if field.is_required():
            must.append(f"{name}:{_EXAMPLES.get(name, '')}")
        else:
            default = field.get_default(call_default_factory=True)
            plain = default if isinstance(default, str | int | float | bool | None) else ""
            may.append(f"# {name}: {'' if plain is None else plain}".rstrip())
    return "\n".join([*must, *may, ""])


_EXAMPLES = {
    "key": " ",
    "name": " {zh-Hant: , en: }",
    "title": " {zh-Hant: , en: }",
    "text": " {zh-Hant: , en: }",
    "rule": " {condition: bought, times: 1, days: 90}",
    "trigger": ' {"on": after_event, event: registered}',
    "actions": "\n  - {do: tag, tag: }",
    "questions": " []",
    "keywords": " []",
}
