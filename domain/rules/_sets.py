"""The same rules as sets of member ids: for counting while a rule is being edited, with a million members.

Each condition is one set, made by the condition's own SQL; `all`, `any` and `not` are set operations. Sets of
tags are brought up to date each time they are read, so that they are exact. Sets of other conditions are
kept for FRESH and say as of when they are. The list of people, a dry run and a send ask the rows themselves.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from domain.rules import _tag_sets
from domain.rules._context import RuleContext
from domain.rules._tag_sets import Kept
from domain.rules._tree import Rule, compile_rule
from models.member import LEFT_OUT, Member
from models.packing import People
from models.people_set import EVERYONE, Marks, PeopleSet, key_of_tag, marks_now, read_set, tag_of_key

LARGE = 50_000  # people; below this the rows themselves answer as fast
FRESH = timedelta(minutes=5)
REBUILT_AFTER = timedelta(hours=24)
LEAVES_KEPT = 200  # an eighth of a megabyte each, per million members


class Shelf:
    """What this process has read before: the latest used are kept."""

    def __init__(self, size: int = LEAVES_KEPT) -> None:
        self._size, self._lock = size, Lock()
        self._kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()

    def get(self, database: str, key: str) -> Kept | None:
        with self._lock:
            found = self._kept.get((database, key))
            if found is not None:
                self._kept.move_to_end((database, key))
            return found

    def put(self, database: str, key: str, kept: Kept) -> None:
        with self._lock:
            self._kept[database, key] = kept
            self._kept.move_to_end((database, key))
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)


SHELF = Shelf()


def is_large(session: Session) -> bool:
    """Whether there are so many people that sets pay. Ids are dense, so the last one tells."""
    return (session.scalar(select(func.max(Member.id))) or 0) >= LARGE


@dataclass
class PeopleSets:
    """The sets of one look, all as of the context's moment unless `as_of` says otherwise."""

    session: Session
    context: RuleContext
    shelf: Shelf

    def __post_init__(self) -> None:
        self.as_of = self.context.now
        self._database = str(self.session.get_bind().engine.url)
        self._marks = marks_now(self.session)
        self._read: dict[str, People] = {}

    def of(self, rule: Rule) -> People:
        """Everyone the rule holds for."""
        self._read |= self._tags(_conditions(rule))
        return self._evaluated(rule) & self.everyone

    def _evaluated(self, rule: Rule) -> People:
        if not rule:
            return self.everyone
        if "all" in rule:
            parts = [self._evaluated(each) for each in rule["all"]]
            return People.intersection(*parts) if parts else self.everyone
        if "any" in rule:
            parts = [self._evaluated(each) for each in rule["any"]]
            return People.union(*parts) if parts else People()
        if "not" in rule:
            return self.everyone - self._evaluated(rule["not"])
        return self._once(_key(rule), lambda: self._leaf(rule))

    @property
    def everyone(self) -> People:
        """Whom figures and segments speak of: staff, test people, the erased and the merged left out."""
        return self._once(EVERYONE, self._everyone)

    def _once(self, key: str, make: Callable[[], People]) -> People:
        if key not in self._read:
            self._read[key] = make()
        return self._read[key]

    def _everyone(self) -> People:
        kept = self._kept(EVERYONE, lambda: read_set(self.session, select(Member.id)))
        ids = kept.ids
        if kept.floor.member < self._marks.member:
            ids |= read_set(self.session, select(Member.id).where(Member.id > kept.floor.member))
        self._keep(EVERYONE, kept, ids)
        return ids - read_set(self.session, select(Member.id).where(text(LEFT_OUT)))

    def _leaf(self, rule: Rule) -> People:
        """A condition's own SQL, asked once in a while."""
        key, now = f"{self.context.today} {_key(rule)}", self.context.now
        kept = self.shelf.get(self._database, key)
        if kept is None or not kept.as_of <= now < kept.as_of + FRESH:
            ids = read_set(self.session, select(Member.id).where(compile_rule(rule, self.context)))
            kept = self._made(ids)
            self.shelf.put(self._database, key, kept)
        self.as_of = min(self.as_of, kept.as_of)
        return kept.ids

    def _tags(self, rules: Iterable[Rule]) -> dict[str, People]:
        """Every tag the rule speaks of, brought up to date in one go."""
        keys = {rule["tag"]: _key(rule) for rule in rules if rule["condition"] == "has_tag"}
        if not keys:
            return {}
        tags = _tag_sets.live_tags(self.session, keys)
        kept = {tag_id: self._kept(key_of_tag(tag_id), _tag_sets.builder(self.session, tag_id, self.context.now))
                for tag_id in tags}  # fmt: skip
        found: dict[str, People] = dict.fromkeys(keys.values(), People())
        for tag_id, ids in _tag_sets.brought_up(self.session, tags, kept, self._marks, now=self.context.now).items():
            self._keep(key_of_tag(tag_id), kept[tag_id], ids)
            found[keys[tags[tag_id]]] = ids
        return found

    def _kept(self, key: str, make: Callable[[], People]) -> Kept:
        """From this process's shelf, else from the database's, else made now."""
        now = self.context.now
        for look in (self._shelved, self._stored):
            kept = look(key)
            if kept and kept.is_near(self._marks) and kept.built <= now < kept.built + REBUILT_AFTER:
                return kept
        return self._made(make())

    def _shelved(self, key: str) -> Kept | None:
        return self.shelf.get(self._database, key)

    def _stored(self, key: str) -> Kept | None:
        row = self.session.get(PeopleSet, key, populate_existing=True)
        if row is None:
            return None
        ids = People.deserialize(row.ids)
        return Kept(ids, row.as_of, row.as_of, Marks(**row.marks), self._marks, time.monotonic())

    def _made(self, ids: People) -> Kept:
        now, seen = self.context.now, time.monotonic()
        return Kept(ids, now, now, _tag_sets.surely_seen(self._marks), self._marks, seen)

    def _keep(self, key: str, kept: Kept, ids: People) -> None:
        moved = kept.advanced(self._marks, time.monotonic())
        self.shelf.put(self._database, key, replace(moved, ids=ids, as_of=max(kept.as_of, self.context.now)))


def stored_keys(session: Session) -> list[str]:
    """Whose sets are stored for processes that start: everyone's and those of every tag in use."""
    return [EVERYONE, *(key_of_tag(tag_id) for tag_id in _tag_sets.all_live_tags(session))]


def read_anew(session: Session, key: str, *, now: datetime) -> PeopleSet:
    """One of these sets, made from the rows."""
    marks = _tag_sets.surely_seen(marks_now(session))
    if key == EVERYONE:
        ids = read_set(session, select(Member.id))
    else:
        ids = _tag_sets.builder(session, tag_of_key(key), now)()
    return PeopleSet(key=key, as_of=now, marks=marks.plain(), ids=ids.serialize())


def _key(rule: Rule) -> str:
    return json.dumps(rule, sort_keys=True, ensure_ascii=False)


def _conditions(rule: Rule) -> Iterator[dict[str, Any]]:
    """The leaves of a rule."""
    if "condition" in rule:
        yield rule
    for each in (*rule.get("all", ()), *rule.get("any", ()), *([rule["not"]] if "not" in rule else ())):
        yield from _conditions(each)


def people_of(session: Session, rule: Rule, context: RuleContext, shelf: Shelf = SHELF) -> tuple[People, datetime]:
    """Everyone the rule holds for, and as of when that is known."""
    sets = PeopleSets(session, context, shelf)
    return sets.of(rule), sets.as_of
