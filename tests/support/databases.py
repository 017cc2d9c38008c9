"""Fresh databases for tests: a template made once, copied for each test that commits."""

import os
import shutil
from functools import lru_cache
from pathlib import Path

import psycopg
from alembic import command
from sqlalchemy import make_url

from domain.operations.setting_up import set_up
from jobs.commands import alembic_config
from models.session import Sessions, make_engine
from models.tables import metadata
from tests.support.moments import NOW

LIFF_ID = "1650000000-Regulars"
LOGIN_CHANNEL_ID = "1650000000"
PUBLIC_URL = "http://127.0.0.1:8000"
KINDS = ("sqlite", "postgresql")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")


def fresh(kind: str, name: str, folder: Path) -> str:
    """The address of a new database with every table, the channel and the brand."""
    if kind == "sqlite":
        path = folder / f"{name}.db"
        shutil.copyfile(sqlite_template(folder.parent), path)
        return f"sqlite:///{path}"
    database = f"test_{WORKER}_{os.getpid()}_{name}"
    _execute(f'CREATE DATABASE "{database}" TEMPLATE "{postgres_template()}"')
    return _at(database)


def empty(kind: str, name: str, folder: Path) -> str:
    """The address of a new database without any table."""
    if kind == "sqlite":
        return f"sqlite:///{folder / name}.db"
    database = f"empty_{WORKER}_{os.getpid()}_{name}"
    _execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    _execute(f'CREATE DATABASE "{database}"')
    return _at(database)


def drop(url: str) -> None:
    if url.startswith("postgresql"):
        _execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')


@lru_cache
def sqlite_template(folder: Path) -> Path:
    path = folder / f"template-{os.getpid()}.db"
    _fill(f"sqlite:///{path}")
    return path


@lru_cache
def postgres_template() -> str:
    name = f"template_{WORKER}_{os.getpid()}"
    _execute(f'CREATE DATABASE "{name}"')
    _fill(_at(name))
    return name


def _fill(url: str) -> None:
    engine = make_engine(url)
    metadata.create_all(engine)
    if engine.dialect.name == "postgresql":
        _migrate_what_is_no_table(url)
    else:
        command.stamp(alembic_config(url), "head")
    with Sessions(engine).writing() as session:
        set_up(
            session,
            business_timezone="Asia/Taipei",
            currency="TWD",
            public_url=PUBLIC_URL,
            liff_id=LIFF_ID,
            login_channel_id=LOGIN_CHANNEL_ID,
            now=NOW,
        )
        session.commit()
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()


def _migrate_what_is_no_table(url: str) -> None:
    """Wake-ups and Procrastinate's own tables, by the migration that makes them."""
    configuration = alembic_config(url)
    command.stamp(configuration, "0004")
    command.upgrade(configuration, "0005")
    command.stamp(configuration, "head")


def _at(database: str) -> str:
    return make_url(os.environ["TEST_POSTGRES_URL"]).set(database=database).render_as_string(hide_password=False)


def _execute(statement: str) -> None:
    url = make_url(os.environ["TEST_POSTGRES_URL"]).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        connection.execute(statement.encode())
