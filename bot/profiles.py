"""What LINE shows of a new friend, and the menu they are to see: asked beside the reading, and again when it fails."""

import threading
import time
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta

import structlog

from domain.operations import befriending, menus
from domain.operations.befriending import Profile
from door import Service
from line.client import LineClient, LineTrouble

log = structlog.get_logger()
AT_ONCE = 8
# The welcome of a batch's newcomers waits so long for their names and languages, not longer.
PATIENCE_SECONDS = 3.0
# After LINE did not tell, nobody waits for it so long.
DOUBT_SECONDS = 10.0
FIRST_PAUSE = 5.0
MOST_TRIES = 5
MOST_WAITING = 10_000
# Whom nobody remembers to ask for (a process that ended, LINE silent for long) the database does.
RECALL_SECONDS = 600.0
RECALLED = 100
RECENT = timedelta(days=2)


@dataclass
class Late:
    """Somebody whose profile LINE did not tell in time."""

    tries: int
    due: float


class Profiles:
    """The inbox reader's few questions to LINE; none is asked while a transaction is open (I10)."""

    def __init__(
        self, service: Service, *, first_pause: float = FIRST_PAUSE, recall_seconds: float = RECALL_SECONDS
    ) -> None:
        self.service = service
        self.first_pause, self.recall_seconds = first_pause, recall_seconds
        self._recall_at = time.monotonic() + recall_seconds
        self._line = LineClient(service.extra["line"])
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="profiles")
        self._late: dict[str, Late] = {}
        self._lock = threading.Lock()
        self._working: set[Future[None]] = set()
        self._until = self._doubt_until = 0.0

    def ask(self, user_ids: Iterable[str]) -> dict[str, Future[Profile | None]]:
        """Asks for all of a batch's newcomers at once; `of` waits for the answers."""
        user_ids = list(user_ids)
        if user_ids:
            import linebot.v3.messaging  # noqa: F401  # takes seconds the first time: not out of their patience
        now = time.monotonic()
        self._until = now + PATIENCE_SECONDS if now >= self._doubt_until else 0.0
        if not self._until:
            return {user_id: _nothing() for user_id in user_ids}
        return {user_id: self._pool.submit(self._fetch, user_id) for user_id in user_ids}

    def of(self, user_id: str | None, asked: dict[str, Future[Profile | None]]) -> Profile | None:
        """Name, picture and language; None when LINE does not say, or not in time."""
        answer = asked[user_id or ""]
        wait([answer], timeout=max(0.0, self._until - time.monotonic()))
        if not answer.done():
            answer.cancel()
            self._doubt_until = time.monotonic() + DOUBT_SECONDS
            return None
        return answer.result()

    def after(self, user_id: str, profile: Profile | None, menu_id: str | None) -> None:
        """Once they are a friend: their menu is linked, or LINE is asked once more who they are."""
        if profile is None:
            with self._lock:
                if len(self._late) < MOST_WAITING:
                    self._late.setdefault(user_id, Late(0, time.monotonic() + self.first_pause))
        elif menu_id is not None:
            self._begin(user_id, menu_id)

    def catch_up(self, *, seconds: float = 0.2) -> int:
        """Asks again for who is due, and waits for it so long; returns how much is still being asked and linked."""
        if time.monotonic() >= self._recall_at:
            self._recall()
        with self._lock:
            due = [user_id for user_id, late in self._late.items() if late.due <= time.monotonic()]
            for user_id in due:
                late = self._late[user_id]
                late.tries, late.due = late.tries + 1, time.monotonic() + self.first_pause * 2**late.tries
                if late.tries >= MOST_TRIES:
                    del self._late[user_id]
        for user_id in due:
            self._begin(user_id, None)
        if self._working:
            wait(self._working, timeout=seconds)
            self._working = {each for each in self._working if not each.done()}
        return len(self._working)

    def _recall(self) -> None:
        """Who followed lately and is still without a profile is asked for once more."""
        self._recall_at = time.monotonic() + self.recall_seconds
        with self.service.sessions.reading() as session:
            since = self.service.clock.now(session) - RECENT
            unknown = befriending.without_profile(session, since=since, limit=RECALLED)
        with self._lock:
            for user_id in unknown:
                self._late.setdefault(user_id, Late(MOST_TRIES - 1, time.monotonic()))

    def _begin(self, user_id: str, menu_id: str | None) -> None:
        work = (
            self._pool.submit(self._show_menu, user_id, menu_id) if menu_id else self._pool.submit(self._learn, user_id)
        )
        self._working = {each for each in self._working if not each.done()} | {work}

    def _fetch(self, user_id: str) -> Profile | None:
        try:
            found = self._line.profile(user_id)
        except LineTrouble as trouble:
            log.warning("no profile", status=trouble.status)
            return None
        return Profile(found.name, found.picture_url, found.language)

    def _learn(self, user_id: str) -> None:
        """A late profile: kept, and their menu shown."""
        profile = self._fetch(user_id)
        if profile is None:
            return
        with self.service.sessions.writing() as session:
            befriending.introduce(session, user_id, profile, now=self.service.clock.now(session))
            menu_id = menus.menu_for(session, user_id)
            session.commit()
        with self._lock:  # only now: until then they may have to be asked for again
            self._late.pop(user_id, None)
        if menu_id is not None:
            self._show_menu(user_id, menu_id)

    def _show_menu(self, user_id: str, menu_id: str) -> None:
        """Links the rich menu of the person's language."""
        try:
            self._line.link_menu(user_id, menu_id)
        except LineTrouble as trouble:
            log.warning("menu not linked", status=trouble.status)
            return
        with self.service.sessions.writing() as session:
            menus.shown(session, [user_id], menu_id)
            session.commit()


def _nothing() -> Future[Profile | None]:
    answer: Future[Profile | None] = Future()
    answer.set_result(None)
    return answer
