"""B7: nested segments counted while a marketer edits: our sets of people against the plain EXISTS form.

python -m tests.benchmarks.segments [--members N] [--trees N]

1,000,000 members with ten tags each, six shapes of rule, warm. Then random rules over a smaller brand while tags
come and go: both forms must count the same people. About three minutes at full size, most of it filling.
"""

import argparse
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, func, not_, or_, select, true
from sqlalchemy.orm import Session

from domain.operations import rolling_up, segmenting, tagging
from domain.rules import RuleContext, compile_rule, context_of, people_of, validate
from domain.rules._sets import Shelf
from models.member import Member
from models.programme import MemberTag, Tag
from models.session import Sessions, make_engine
from tests.benchmarks._bench import cpu_seconds, database, load_now, postgres, report, timed
from tests.benchmarks._crowd import filled

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
# Shares of everyone that carry tag1, tag2, …; ten tags a person in all.
SHARES = [0.64, 0.48, 0.62, 0.3, 0.18, 0.04, 0.03, *([0.033] * 20), *([0.588] * 12)]
BIG, BIG_TOO, OTHER, SOME, FEW, RARE, RARE_TOO = (f"tag{n}" for n in range(1, 8))
SLOW_MS = 3_000
Rule = dict[str, Any]


def tag(key: str) -> Rule:
    return {"condition": "has_tag", "tag": key}


def tier(*keys: str) -> Rule:
    return {"condition": "tier_is", "tiers": list(keys)}


SHAPES: dict[str, Rule] = {
    "rare and rare": {"all": [tag(RARE), tag(RARE_TOO)]},
    "big and big": {"all": [tag(BIG), tag(BIG_TOO)]},
    "(a or b) and d and not c": {"all": [{"any": [tag(SOME), tag(FEW)]}, tag(BIG), {"not": tag(OTHER)}]},
    "nested 3 levels and tier": {
        "all": [
            {"any": [{"all": [tag(SOME), {"not": tag(FEW)}]}, {"all": [tag(RARE), tag(BIG_TOO)]}]},
            {"not": {"any": [tag(OTHER), tag(RARE_TOO)]}},
            tier("silver", "gold"),
        ]
    },
    "not big and tier": {"all": [{"not": tag(BIG)}, tier("silver", "gold")]},
    "or of 20 tags": {"any": [tag(f"tag{n}") for n in range(8, 28)]},
}


def plain(rule: Rule, context: RuleContext, tags: dict[str, int]) -> ColumnElement[bool]:
    """The peer: the rule as most systems of customer data write it, one EXISTS for each tag."""
    if not rule:
        return true()
    if "all" in rule:
        return and_(true(), *(plain(each, context, tags) for each in rule["all"]))
    if "any" in rule:
        return or_(false(), *(plain(each, context, tags) for each in rule["any"]))
    if "not" in rule:
        return not_(plain(rule["not"], context, tags))
    if rule["condition"] != "has_tag":
        return compile_rule(rule, context)
    lives = or_(MemberTag.expires_at.is_(None), MemberTag.expires_at > context.now)
    held = (MemberTag.tag_id == tags[rule["tag"]], MemberTag.removed_at.is_(None), lives)
    return exists(select(1).where(MemberTag.member_id == Member.id, *held).correlate(Member))


def count_plainly(session: Session, rule: Rule, context: RuleContext, tags: dict[str, int]) -> int:
    figures = select(func.count()).select_from(Member).where(
        Member.erased_at.is_(None), Member.merged_into_id.is_(None), Member.is_test.is_(False),
        Member.is_staff.is_(False), plain(rule, context, tags),
    )  # fmt: skip
    return session.scalar(figures) or 0


def tags_of(session: Session) -> dict[str, int]:
    return {row[0]: row[1] for row in session.execute(select(Tag.key, Tag.id))}


def once(work: Callable[[], int]) -> tuple[int, float]:
    began = time.perf_counter()
    return work(), (time.perf_counter() - began) * 1000


def measured(session: Session, rule: Rule, shelf: Shelf, tags: dict[str, int], rounds: int) -> dict[str, Any]:
    """Both forms, warm, in turn."""
    context = context_of(session, NOW)

    def by_sets() -> int:
        return len(people_of(session, rule, context, shelf)[0])

    def by_rows() -> int:
        return count_plainly(session, rule, context, tags)

    count = by_sets()
    rows, exists_ms = once(by_rows)
    assert count == rows, rule
    if exists_ms < SLOW_MS:  # what took longer was not waiting for its cache to warm
        exists_ms = timed(by_rows, rounds=3, warm=0)["median_ms"]
    ours = timed(by_sets, rounds=rounds)
    return {
        "count": count, "sets_ms": ours["median_ms"], "sets_worst_ms": ours["worst_ms"],
        "exists_ms": exists_ms, "ratio": exists_ms / ours["median_ms"],
    }  # fmt: skip


def six_shapes(url: str, server_pid: int) -> dict[str, Any]:
    sessions, shelf = Sessions(make_engine(url)), Shelf()
    with sessions.writing() as session:
        keys, began = rolling_up.sets_to_make(session, now=NOW), time.perf_counter()
        for key in keys:
            rolling_up.keep_set(session, rolling_up.make_set(session, key, now=NOW))
        session.commit()
        making = time.perf_counter() - began
    with sessions.reading() as session:
        tags = tags_of(session)
        context = context_of(session, NOW)
        cold = {name: once(lambda rule=rule: len(people_of(session, rule, context, Shelf())[0]))[1]
                for name, rule in SHAPES.items()}  # fmt: skip
        bare = once(lambda: len(people_of(session, tier("silver", "gold"), context, Shelf())[0]))[1]
        used = cpu_seconds(server_pid)
        shapes = {}
        print(f"{'shape':28}{'people':>9}{'sets ms':>9}{'EXISTS ms':>11}{'times':>8}{'new process ms':>16}")
        for name, rule in SHAPES.items():
            shapes[name] = each = measured(session, rule, shelf, tags, rounds=9)
            print(f"{name:28}{each['count']:>9,}{each['sets_ms']:>9.1f}{each['exists_ms']:>11.0f}"
                  f"{each['ratio']:>8.0f}{cold[name]:>16.1f}", flush=True)  # fmt: skip
        used = cpu_seconds(server_pid) - used
    sessions.engine.dispose()
    print(f"making all {len(keys)} stored sets: {making:.1f} s; a condition used for the first time: {bare:.0f} ms")
    return {"shapes": shapes, "cold_ms": cold, "making_s": making, "first_use_ms": bare, "postgres_cpu_s": used}


def random_rules(url: str, trees: int) -> dict[str, Any]:
    """Random rules while tags are given and taken: sets against both forms of the rows."""
    dice, shelf = random.Random(7), Shelf()
    sessions = Sessions(make_engine(url))
    unlike = changed = 0
    with sessions.writing() as session:
        tags = tags_of(session)
        all_tags = session.scalars(select(Tag)).all()
        for n in range(trees):
            now = NOW + timedelta(seconds=n)
            if n % 10 == 0:
                some = [dice.randrange(1, 20_000) for _ in range(50)]
                act = tagging.give if dice.random() < 0.5 else tagging.take
                changed += act(session, some, dice.choice(all_tags), source="staff", now=now)
            context, rule = context_of(session, now), validate(_grow(dice))
            count = len(people_of(session, rule, context, shelf)[0])
            rows = segmenting._count(session, rule, context)
            unlike += count != rows or count != count_plainly(session, rule, context, tags)
    sessions.engine.dispose()
    print(f"{trees} random rules, {changed} tags given and taken meanwhile: {unlike} counted otherwise")
    return {"trees": trees, "tags_changed": changed, "unlike": unlike}


def _grow(dice: random.Random, depth: int = 0) -> Rule:
    roll = dice.random()
    if depth < 4 and roll < 0.45:
        return {dice.choice(["all", "any"]): [_grow(dice, depth + 1) for _ in range(dice.randrange(0, 4))]}
    if depth < 4 and roll < 0.6:
        return {"not": _grow(dice, depth + 1)}
    return dice.choice([
        tag(f"tag{dice.randrange(1, 32)}"), tag(f"tag{dice.randrange(1, 8)}"),
        tier(*dice.sample(["base", "silver", "gold"], 2)), {"condition": "is_friend"}, {"condition": "consented"},
        {"condition": "gender_is", "genders": ["female"]},
        {"condition": "language_is", "languages": dice.sample(["zh-Hant", "ja", "th"], 2)},
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0] if __doc__ else "")
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--trees", type=int, default=1_000)
    asked = parser.parse_args()
    with postgres() as server:
        large = database(server.url, "segments")
        filling = filled(large, people=asked.members, shares=SHARES)
        print(
            f"{asked.members:,} members, {sum(SHARES):.1f} tags each, filled in {filling:.0f} s; load {load_now():.1f}"
        )
        figures = six_shapes(large, server.process.pid)
        small = database(server.url, "trees")
        filled(small, people=min(asked.members, 20_000), shares=SHARES)
        figures["random"] = random_rules(small, asked.trees)
        figures |= {"members": asked.members, "filling_s": filling, "load": load_now()}
        reached = all(each["sets_ms"] <= 50 and each["ratio"] >= 10 for each in figures["shapes"].values())
        print("≤ 50 ms each and ≥ 10 times the EXISTS form:", "reached" if reached else "not reached")
        report("segments", {**figures, "reached": reached}, server=server)
        if figures["random"]["unlike"]:
            raise SystemExit("sets and rows disagree")


if __name__ == "__main__":
    main()
