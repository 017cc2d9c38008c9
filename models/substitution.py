"""The one substitution: a frozen template and one person's values become what that person is sent.

Preview, dry run, test send and sender all use `fill`, so they cannot differ. It works on decoded JSON,
so no value can break out of its string, and in one pass, so no value is read as a field itself.
"""

import re
from typing import Any

FIELD = re.compile(r"\{([a-z][a-z0-9_]{0,40})\}")
# What people's own words must not carry into a message: controls and direction overrides.
UNSAFE = re.compile(r"[\x00-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")
VALUE_LIMIT = 80
# LINE's limits in UTF-16 units, by the key a string stands under (line messages and their parts).
LIMITS = {"text": 5000, "altText": 400, "label": 20, "uri": 1000, "url": 2000}


def fill(template: Any, merge: dict[str, Any]) -> Any:
    """`template` with every `{field}` replaced by its value; a field without a value becomes nothing.

    Strings that grow past LINE's limit are cut, never refused: by now there is nobody to ask.
    """
    return _fill(template, merge, key="")


def _fill(node: Any, merge: dict[str, Any], *, key: str) -> Any:
    if isinstance(node, dict):
        return {name: _fill(value, merge, key=name) for name, value in node.items()}
    if isinstance(node, list):
        return [_fill(value, merge, key=key) for value in node]
    if not isinstance(node, str) or not FIELD.search(node):
        return node
    filled = FIELD.sub(lambda found: str(merge.get(found[1], "")), node)
    if key in {"text", "altText", "label"}:
        # LINE refuses a whole request for one empty text.
        filled = filled.strip() or "…"
    return cut(filled, LIMITS.get(key, 5000))


def fields_in(template: Any) -> set[str]:
    """The names of all fields a template uses."""
    if isinstance(template, dict):
        return set().union(*map(fields_in, template.values()))
    if isinstance(template, list):
        return set().union(*map(fields_in, template))
    return set(FIELD.findall(template)) if isinstance(template, str) else set()


def clean(value: Any) -> str:
    """A person's own words made fit for a message: one line, nothing invisible, not endless."""
    return cut(UNSAFE.sub(" ", str(value)).strip(), VALUE_LIMIT)


def utf16(text: str) -> int:
    """The length LINE counts: 🍎 is two."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units, never half a character."""
    if utf16(text) <= limit:
        return text
    units = text.encode("utf-16-le", "surrogatepass")[: (limit - 1) * 2]
    return units.decode("utf-16-le", "ignore") + "…"
