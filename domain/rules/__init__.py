"""Rules: sentences about people that are also queries. One file per condition.

A rule is JSON: {"all": […]}, {"any": […]}, {"not": {…}}, or a condition such as
{"condition": "has_tag", "tag": "vip"}; {} is everyone. The same rule counts, lists, tests one
person, and says itself in words.
"""

from domain.rules._context import Names, RuleContext, context_of, names_of
from domain.rules._folder import Condition, Field, conditions
from domain.rules._moving import movers
from domain.rules._sets import REBUILT_AFTER, is_large, people_of, read_anew, stored_keys
from domain.rules._tag_sets import surely_seen
from domain.rules._tree import compile_rule, describe, sentence, validate
from domain.rules._why import Because, holds_for, why, why_many

__all__ = [
    "REBUILT_AFTER", "Because", "Condition", "Field", "Names", "RuleContext", "compile_rule", "conditions",
    "context_of", "describe", "holds_for", "is_large", "movers", "names_of", "people_of", "read_anew", "sentence",
    "stored_keys", "surely_seen", "validate", "why", "why_many",
]  # fmt: skip
