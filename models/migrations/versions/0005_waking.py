"""Wake-ups and queued work on PostgreSQL"""

from alembic import op

from models.migrations import live

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# What rings which bell (models/wake.py): table, event, bell.
RINGS = (
    ("inbound_body", "INSERT", "inbox"),
    ("outgoing_message", "INSERT", "outbox"),
    ("campaign_chunk", "INSERT", "outbox"),
    ("campaign", "UPDATE OF state", "outbox"),
    ("campaign", "UPDATE OF state", "work"),
)
BELLS = ("inbox", "outbox", "work")

# A transaction that notifies holds one lock of the whole server until its commit is on disk, so commits
# that notify stand in line. A bell therefore rings at most ten times a second: its sequence holds the
# millisecond of its last ring (sequences change at once, whatever becomes of the transaction).
RING = """
CREATE OR REPLACE FUNCTION ring_bell() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  bell regclass := ('bell_' || TG_ARGV[0])::regclass;
  moment bigint := extract(epoch FROM clock_timestamp()) * 1000;
BEGIN
  IF abs(moment - coalesce(pg_sequence_last_value(bell), 0)) >= 100 THEN
    PERFORM setval(bell, moment);
    PERFORM pg_notify('regulars', TG_ARGV[0]);
  END IF;
  RETURN NULL;
END $$
"""

NO_PROCRASTINATE = """
DO $$
DECLARE each record;
BEGIN
  FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE 'procrastinate%' LOOP
    EXECUTE format('DROP TABLE IF EXISTS %I CASCADE', each.tablename);
  END LOOP;
  FOR each IN SELECT p.oid::regprocedure AS name FROM pg_proc p
      WHERE p.pronamespace = current_schema()::regnamespace AND p.proname LIKE 'procrastinate%' LOOP
    EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', each.name);
  END LOOP;
  FOR each IN SELECT t.typname FROM pg_type t WHERE t.typnamespace = current_schema()::regnamespace
      AND t.typname LIKE 'procrastinate%' LOOP
    EXECUTE format('DROP TYPE IF EXISTS %I CASCADE', each.typname);
  END LOOP;
END $$
"""


def upgrade() -> None:
    if not live.is_postgresql():
        return
    # Each statement is safe to repeat: a run that was cut off is simply begun again.
    with live.apart():
        _procrastinate()
        for bell in BELLS:
            op.execute(f"CREATE SEQUENCE IF NOT EXISTS bell_{bell} NO CYCLE")
        op.execute(RING)
        for table, event, bell in RINGS:
            live.patiently(
                f"CREATE OR REPLACE TRIGGER {table}_rings_{bell} AFTER {event} ON {table} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION ring_bell('{bell}')"
            )


def downgrade() -> None:
    if not live.is_postgresql():
        return
    with live.apart():
        for table, _event, bell in RINGS:
            live.patiently(f"DROP TRIGGER IF EXISTS {table}_rings_{bell} ON {table}")
        op.execute("DROP FUNCTION IF EXISTS ring_bell()")
        for bell in BELLS:
            op.execute(f"DROP SEQUENCE IF EXISTS bell_{bell}")
        op.execute(NO_PROCRASTINATE)


def _procrastinate() -> None:
    """The queue's own tables, by its own schema file."""
    if op.get_bind().exec_driver_sql("SELECT to_regclass('procrastinate_jobs')").scalar():
        return
    from procrastinate.schema import SchemaManager

    op.get_bind().connection.driver_connection.execute(SchemaManager.get_schema())
