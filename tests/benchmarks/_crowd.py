"""A made-up brand of any size, written by PostgreSQL itself: members, friends, tags, purchases, events.

Every column is a plain function of the row's number, so two runs are the same. Indexes are kept out of the
way while rows are written, and everything is analysed at the end.
"""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

TODAY = "2026-11-20"  # the local day everything is seen from
CHUNK = 2_000_000


class Crowd:
    """Fills one database. Call what a benchmark needs, in this order; then `done()`."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self.connection = psycopg.connect(self.url, autocommit=True)
        self._run("SET synchronous_commit = off; SET session_replication_role = replica")  # no key checks row by row
        self.size = 0

    def people(self, count: int) -> None:
        """`count` registered members, all with a LINE identity: 1 in 100 blocked us, 1 in 50 opted out."""
        self.size = count
        with self._without_indexes("member", "friend"):
            self._run(
                f"""
                INSERT INTO member (id, ref, card_number, name, language, gender, birth_month, birth_day, created_at,
                  registered_at, marketing_consent, is_test, is_staff, custom, tier_id, tier_since)
                SELECT n, 'm' || n, lpad(n::text, 16, '0'), 'Member ' || n,
                  (ARRAY['zh-Hant', 'ja', 'th', 'en'])[1 + n % 4], (ARRAY['female', 'male', NULL])[1 + n % 3],
                  1 + n % 12, 1 + n % 28, t, t, n % 50 <> 1, false, false, '{{}}',
                  (SELECT min(id) FROM tier) + CASE WHEN {_dice(n="n", salt=7, sides=100)} < 70 THEN 0
                    WHEN {_dice(n="n", salt=7, sides=100)} < 90 THEN 1 ELSE 2 END, t
                FROM (SELECT n, '{TODAY}'::timestamptz - make_interval(days => {_dice(n="n", salt=3, sides=730)}) AS t
                      FROM generate_series(1, {count}) n) those
                """
            )
            self._run(
                f"""
                INSERT INTO friend (channel_id, member_id, user_id, is_following, state_at, first_followed_at)
                SELECT (SELECT min(id) FROM channel), n, 'U' || lpad(to_hex(n), 32, '0'), n % 100 <> 2,
                  '2026-01-01', '2024-01-01' FROM generate_series(1, {count}) n
                """
            )
        self._run(f"SELECT setval(pg_get_serial_sequence('member', 'id'), {count})")

    def tiers(self, names: Sequence[str] = ("base", "silver", "gold")) -> None:
        """The ladder; before `people`."""
        for rank, name in enumerate(names):
            self._run(
                f"""INSERT INTO tier (key, rank, name, threshold, benefits)
                VALUES ('{name}', {rank}, '{json.dumps({"en": name})}', {rank * 10_000}, '{{}}')"""
            )

    def tags(self, shares: Sequence[float]) -> list[str]:
        """One tag per share of everyone who carries it; returns their keys."""
        keys = [f"tag{number}" for number in range(1, len(shares) + 1)]
        with self._without_indexes("member_tag"):
            for number, (key, share) in enumerate(zip(keys, shares, strict=True), 1):
                self._run(
                    f"""INSERT INTO tag (key, name, kind, counts_for_coverage, rule_version)
                    VALUES ('{key}', '{json.dumps({"en": key})}', 'behaviour', true, 1)"""
                )
                self._run(
                    f"""INSERT INTO member_tag (member_id, tag_id, assigned_at, source, evidence)
                    SELECT n, (SELECT id FROM tag WHERE key = '{key}'), '2026-06-01', 'staff', '{{}}'
                    FROM generate_series(1, {self.size}) n
                    WHERE {_dice(n="n", salt=100 + number, sides=1_000_000)} < {round(share * 1_000_000)}"""
                )
        return keys

    def purchases(self, count: int, *, days: int = 730) -> None:
        """Orders of one line each, over the last `days`, by three quarters of the members."""
        with self._without_indexes("purchase", "purchase_line"):
            for first, last in _pieces(count):
                self._run(
                    f"""
                    INSERT INTO purchase
                      (id, order_ref, member_id, paid_at, day, recorded_at, channel, net_amount, source)
                    SELECT n, 'o' || n, 1 + {_dice(n="n", salt=11, sides=max(1, self.size * 3 // 4))},
                      d + interval '4 hours', d, d + interval '5 hours', 'store',
                      50 + {_dice(n="n", salt=13, sides=3000)}, 'import'
                    FROM (SELECT n, '{TODAY}'::date - {_dice(n="n", salt=12, sides=days)} AS d
                          FROM generate_series({first}, {last}) n) those
                    """
                )
                self._run(
                    f"""
                    INSERT INTO purchase_line
                      (purchase_id, line_no, sku, product, category, quantity, amount, kind, allocated)
                    SELECT id, 1, 'sku' || id % 500, 'Thing', 'cat' || id % 20, 1, net_amount, 'sale', 0
                    FROM purchase WHERE id BETWEEN {first} AND {last}
                    """
                )
        self._run(f"SELECT setval(pg_get_serial_sequence('purchase', 'id'), {count})")

    def events(self, count: int, *, days: int = 365) -> None:
        """The journey: mostly taps and openings, some conversions, visits and sends' answers; over the last `days`."""
        kinds = (
            "ARRAY['clicked','clicked','opened_app','opened_app','postback','texted','visited','conversion_started',"
            "'conversion_completed','browsed']"
        )
        with self._without_indexes("event"):
            for first, last in _pieces(count):
                self._run(
                    f"""
                    INSERT INTO event
                      (member_id, kind, occurred_at, recorded_at, day, source, object, data, is_history)
                    SELECT 1 + {_dice(n="n", salt=21, sides=max(1, self.size))}, k, t, t,
                      (t + interval '8 hours')::date,
                      'liff', CASE WHEN k LIKE 'conversion%' THEN 'booking:' || n / 10 END,
                      CASE WHEN k LIKE 'conversion%' THEN '{{"type": "booking"}}'::jsonb ELSE '{{}}' END, false
                    FROM (SELECT n, ({kinds})[1 + {_dice(n="n", salt=22, sides=10)}] AS k,
                            '{TODAY}'::timestamptz
                              - make_interval(secs => {_dice(n="n", salt=23, sides=days * 86400)}) AS t
                          FROM generate_series({first}, {last}) n) those
                    """
                )

    def done(self) -> None:
        self._run("SET session_replication_role = origin")
        self._run("VACUUM ANALYZE")
        self.connection.close()

    def _run(self, statement: str) -> None:
        self.connection.execute(statement.encode())

    @contextmanager
    def _without_indexes(self, *tables: str) -> Iterator[None]:
        """Drops what is no constraint, and makes it again when the rows are in."""
        rows = self.connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND schemaname = 'public' "
            "AND indexname NOT IN (SELECT conname FROM pg_constraint)", (list(tables),),
        ).fetchall()  # fmt: skip
        for name, _ in rows:
            self._run(f'DROP INDEX "{name}"')
        yield
        for _, definition in rows:
            self._run(definition)


def filled(url: str, *, people: int, shares: Sequence[float] = (), purchases: int = 0, events: int = 0) -> float:
    """Fills a migrated database; returns the seconds it took."""
    began = time.monotonic()
    crowd = Crowd(url)
    crowd.tiers()
    crowd.people(people)
    if shares:
        crowd.tags(shares)
    if purchases:
        crowd.purchases(purchases)
    if events:
        crowd.events(events)
    crowd.done()
    return time.monotonic() - began


def _dice(*, n: str, salt: int, sides: int) -> str:
    """SQL for a number from 0 to `sides` - 1 that looks random and depends on the row and the salt alone."""
    return f"(abs(hashint8extended({n}, {salt}) % {sides})::int)"


def _pieces(count: int) -> Iterator[tuple[int, int]]:
    for first in range(1, count + 1, CHUNK):
        yield first, min(first + CHUNK - 1, count)
