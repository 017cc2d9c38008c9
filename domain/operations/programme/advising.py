"""What a programme may say and had better not: too many tiers, rules nobody can say in a line (M66)."""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from domain import rules
from domain.operations.programme.sections._section import Touch
from domain.operations.programme.whole import LISTED, Programme
from domain.wording import mark, pick

MOST_PAID_TIERS = 3
ONE_LINE = 140  # characters of the sentence, in English


def advice(session: Session, programme: Programme) -> list[Touch]:
    """Warnings, not refusals."""
    return [*_tiers(programme), *_rules(session, programme)]


def _tiers(programme: Programme) -> Iterator[Touch]:
    paid = [tier for tier in programme.tiers if tier.threshold]
    if len(paid) > MOST_PAID_TIERS:
        yield Touch(
            mark("There are %(n)s tiers to reach. People remember two or three: consider fewer."), {"n": len(paid)}
        )


def _rules(session: Session, programme: Programme) -> Iterator[Touch]:
    names = rules.names_of(session, "en")
    for section in LISTED:
        for item in programme.items(section):
            rule = getattr(item, "rule", None)
            if rule and len(rules.sentence(rule, "en", names)) > ONE_LINE:
                called = getattr(item, "name", None) or getattr(item, "title", "")
                name = pick(called, "en") if isinstance(called, dict) else called
                yield Touch(
                    mark("The rule of “%(name)s” (%(where)s) cannot be said in one line: consider two simpler ones."),
                    {"name": name or item.key, "where": f"{section}.{item.key}"},
                )
