"""Where the webhook drops raw bodies: one insert each, committed by itself, never waiting long."""

from sqlalchemy import URL, Engine, bindparam, func, insert, select
from sqlalchemy.exc import DBAPIError

from models.channel import Channel
from models.clock import this_machines_now
from models.inbox import InboundBody
from models.session import with_settings

# LINE hangs up after two seconds: better told that we are busy than kept until then.
PATIENCE_MILLISECONDS = 1_500
THREADS = 8  # of a web process, as the Procfile starts it: each keeps its connection
MORE = 2


class Letterbox:
    """Holds connections of its own. On PostgreSQL in autocommit: an insert is one exchange with the database."""

    def __init__(self, engine: Engine) -> None:
        shared = engine.dialect.name == "postgresql"
        self.engine = _impatient(engine.url) if shared else engine.execution_options(hurried=True)
        channel = select(Channel.id).order_by(Channel.id).limit(1).scalar_subquery()
        # Hosts that share a database share its clock.
        received_at = func.now() if shared else bindparam("machine_now", callable_=this_machines_now)
        self._insert = insert(InboundBody).values(channel_id=channel, received_at=received_at)

    def drop(self, body: bytes) -> None:
        """Stores one body. Raises SQLAlchemyError when it is not stored.

        A connection that broke while idle (the database was restarted) costs a second try. Should the first have
        been stored after all, its events are known by their ids and take effect once.
        """
        try:
            self._drop(body)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self._drop(body)

    def _drop(self, body: bytes) -> None:
        with self.engine.begin() as connection:
            connection.execute(self._insert, {"body": body})


def _impatient(url: URL) -> Engine:
    return with_settings(
        url,
        {"statement_timeout": PATIENCE_MILLISECONDS},
        isolation_level="AUTOCOMMIT",
        pool_size=THREADS,
        max_overflow=MORE,
        pool_timeout=PATIENCE_MILLISECONDS / 1_000,
        connect_args={"connect_timeout": 2, "tcp_user_timeout": PATIENCE_MILLISECONDS},
    )
