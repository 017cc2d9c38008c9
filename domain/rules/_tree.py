"""The shape of a rule: checking it, turning it into a query, saying it in words."""

from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, and_, not_, or_, true
from sqlalchemy import false as nobody

from domain.errors import Invalid
from domain.rules._context import Names, RuleContext
from domain.rules._folder import Condition, Params, Speaker, conditions
from domain.wording import mark

Rule = dict[str, Any]
DEEPEST = 8
MOST_PARTS = 100


def validate(rule: Any) -> Rule:
    """The rule with its parameters in their proper types. Raises Invalid, saying which part is wrong."""
    parts = [0]
    return _checked(rule, parts, depth=0)


def _checked(rule: Any, parts: list[int], *, depth: int) -> Rule:
    parts[0] += 1
    if not isinstance(rule, dict):
        raise Invalid(mark("A part of the rule is not a condition. Remove it and add it again."), code="bad_rule")
    if depth > DEEPEST or parts[0] > MOST_PARTS:
        raise Invalid(mark("The rule has too many parts. Save some of them as a tag and use the tag."), code="bad_rule")
    for key in ("all", "any"):
        if set(rule) == {key} and isinstance(rule[key], list):
            return {key: [_checked(each, parts, depth=depth + 1) for each in rule[key]]}
    if set(rule) == {"not"}:
        return {"not": _checked(rule["not"], parts, depth=depth + 1)}
    return {} if not rule else _checked_condition(rule)


def _checked_condition(rule: Rule) -> Rule:
    condition = conditions().get(str(rule.get("condition")))
    if condition is None:
        raise Invalid(
            mark("There is no condition called %(name)s. Remove it, or update this installation."),
            code="bad_rule", name=rule.get("condition", "?"),
        )  # fmt: skip
    params = read_params(condition, rule)
    return {"condition": condition.name, **params.model_dump(exclude_defaults=True)}


def read_params(condition: Condition, rule: Rule) -> Params:
    try:
        return condition.params.model_validate({key: value for key, value in rule.items() if key != "condition"})
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors()[0]["loc"]) or condition.name
        raise Invalid(
            mark("“%(condition)s” cannot be used yet: %(field)s is missing or wrong. Fill it in."),
            code="bad_rule", condition=condition.title, field=field,
        ) from None  # fmt: skip


def compile_rule(rule: Rule, context: RuleContext) -> ColumnElement[bool]:
    """A boolean on Member, never NULL, for `select(Member.id).where(…)`."""
    if not rule:
        return true()
    if "all" in rule:
        return and_(true(), *(compile_rule(each, context) for each in rule["all"]))
    if "any" in rule:
        return or_(nobody(), *(compile_rule(each, context) for each in rule["any"]))
    if "not" in rule:
        return not_(compile_rule(rule["not"], context))
    condition = conditions()[rule["condition"]]
    return condition.where(read_params(condition, rule), context)


def sentence(rule: Rule, language: str, names: Names | None = None) -> str:
    """The rule as a sentence about a person, without its subject: "has the tag VIP and bought …"."""
    return _say(rule, Speaker(language, names or Names()), outer=True)


def _say(rule: Rule, speaker: Speaker, *, outer: bool = False) -> str:
    if not rule or rule == {"all": []}:
        return speaker("everyone")
    if rule == {"any": []}:
        return speaker("nobody")
    for key, joiner in (("all", mark(" and ")), ("any", mark(" or "))):
        if key in rule:
            parts = [_say(each, speaker) for each in rule[key]]
            joined = speaker(joiner).join(parts)
            return joined if outer or len(parts) == 1 else speaker("(%(words)s)", words=joined)
    if "not" in rule:
        return _say_not(rule["not"], speaker)
    condition = conditions()[rule["condition"]]
    return condition.words(read_params(condition, rule), speaker)


def _say_not(rule: Rule, speaker: Speaker) -> str:
    condition = conditions().get(rule.get("condition", ""))
    if condition is not None and condition.words_not is not None:
        return condition.words_not(read_params(condition, rule), speaker)
    return speaker("not: %(words)s", words=_say(rule, speaker))


def describe() -> list[Condition]:
    """Every condition, for the builder's menu and forms."""
    return list(conditions().values())
