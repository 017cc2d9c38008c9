"""`segments:` saved rules about people."""

from domain.operations.programme.sections._section import Listed
from domain.operations.programme.sections._words import Rule
from models import programme


class Segment(Listed):
    table = programme.Segment
    versioned = (("rule",), "version")

    name: str
    rule: Rule
