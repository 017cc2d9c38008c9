"""The composition root: settings → sessions, LINE client → the doors; and the processes of the Procfile."""

import signal
import sys
import threading
import tomllib
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import click
from apiflask import APIFlask
from werkzeug.middleware.proxy_fix import ProxyFix

import api
import bot
import console
import door
import door_errors
import jobs
import liff
import logs
from api import uploads
from api.archive import zipped_export
from heart import Heart, Watched
from line.client import LineAccess
from models import wake
from models.clock import Clock
from models.session import Sessions, make_engine
from settings import Settings, read_settings


def create_app(settings: Settings | None = None, sessions: Sessions | None = None) -> APIFlask:
    """The whole application. `flask …` commands use it as it is; `web()` also checks it can serve."""
    settings = settings or read_settings()
    logs.set_up(settings.log_level, readable=settings.practice)
    sessions = sessions or Sessions(make_engine(settings.database_url))
    app = APIFlask(__name__, title="Regulars", docs_path=None, spec_path=None, static_folder=None)
    app.config.update(
        SECRET_KEY=settings.secret_key.get_secret_value() or None,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        MAX_CONTENT_LENGTH=32 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=8 * 1024 * 1024,  # a pool of coupon codes comes back from its preview
    )
    app.extensions["regulars"] = make_service(settings, sessions)
    app.teardown_appcontext(door.close_session)
    app.jinja_env.globals.update(_=door.words, language=door.language)
    door_errors.install(app)
    for each in (bot, liff, console, api, jobs):
        each.register(app)
    app.cli.add_command(worker_command)
    app.cli.add_command(clock_command)
    app.extensions["settings"] = settings
    _know_proxies(app, settings.trusted_proxies)
    app.wsgi_app = Watched(app.wsgi_app)  # type: ignore[method-assign]  # Flask documents it so
    return app


def _know_proxies(app: APIFlask, proxies: int) -> None:
    """Behind proxies of our own, who asks is who they say; without, anyone could claim to be anybody."""
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]  # Flask documents it so


def make_service(settings: Settings, sessions: Sessions) -> door.Service:
    return door.Service(
        sessions=sessions,
        clock=Clock(practice=settings.practice),
        secret_key=settings.secret_key.get_secret_value(),
        public_url=settings.public_url,
        channel_secret=settings.line_channel_secret.get_secret_value(),
        login_channel_id=settings.line_login_channel_id,
        liff_id=settings.liff_id,
        practice_origin=settings.line_api_base,
        metrics_key=settings.metrics_key.get_secret_value(),
        extra={
            "settings": settings,
            "zipped_export": zipped_export,
            "look_at_upload": uploads.look,
            "load_upload": uploads.load,
            "maps": uploads.titles,
            "read_map": uploads.reads_of,
            "timetable": jobs.timetable_ahead,
            "version": version(),
            "job_lease": timedelta(seconds=settings.job_lease_seconds),
            "line": LineAccess(
                token=settings.line_channel_access_token.get_secret_value(),
                base=settings.line_api_base,
                login_channel_id=settings.line_login_channel_id,
            ),
        },
    )


def web() -> APIFlask:
    """What gunicorn serves. Stops with one line when a setting it needs is missing."""
    settings = read_settings()
    require_serving(settings)
    app = create_app(settings)
    _heart(app.extensions["regulars"], "web").beat_aside()
    return app


def require_serving(settings: Settings) -> None:
    missing = settings.missing_for_serving()
    if missing:
        sys.exit(f"missing settings: {', '.join(missing)} (see settings.py for what each means)")


@click.command("worker")
def worker_command() -> None:
    """Read the inbox, send the outbox and run queued jobs, until told to stop."""
    service = _serving_service()
    _run_until_stopped(
        _heart(service, "worker").run,
        *_ear(service),
        *bot.loops(service),
        *_sender_loops(service),
        *jobs.queue_loops(service),
    )


@click.command("clock")
def clock_command() -> None:
    """Run the timetable, until told to stop. Any number may run; what is due is done once."""
    service = _serving_service()
    _run_until_stopped(_heart(service, "clock").run, *jobs.clock_loops(service))


def _heart(service: door.Service, kind: str) -> Heart:
    """The process's sign of life; with it, the process has settled and its loggers may be kept."""
    settings = service.extra["settings"]
    logs.set_up(settings.log_level, readable=settings.practice, settled=True)
    return Heart(service.sessions, kind, service.extra["version"])


@lru_cache
def version() -> str:
    """Which version of the product this is."""
    project = tomllib.loads((Path(__file__).parent / "pyproject.toml").read_text())
    return str(project["project"]["version"])


def _serving_service() -> door.Service:
    service = door.service()
    require_serving(service.extra["settings"])
    return service


def _sender_loops(service: door.Service) -> list[Callable[[threading.Event], None]]:
    from line.sender import Sender  # only the worker pays for importing it

    sender = Sender(service.sessions, service.clock, service.extra["line"])
    service.sessions.bells[wake.OUTBOX].hear(sender.wake)
    return [sender.run]


def _ear(service: door.Service) -> list[Callable[[threading.Event], None]]:
    """Hears the bells other processes ring: PostgreSQL carries them, SQLite does not."""
    engine = service.sessions.engine
    return [wake.listener(engine, service.sessions.bells)] if engine.dialect.name == "postgresql" else []


def _run_until_stopped(*loops: Callable[[threading.Event], None]) -> None:
    """Each loop in a thread; SIGTERM and SIGINT let them finish what is in hand. A loop that dies ends the process."""
    stop = threading.Event()
    failed: list[BaseException] = []

    def guarded(loop: Callable[[threading.Event], None]) -> None:
        try:
            loop(stop)
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            stop.set()

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: stop.set())
    threads = [threading.Thread(target=guarded, args=(loop,)) for loop in loops]
    for thread in threads:
        thread.start()
    while not stop.wait(0.5):
        pass
    for thread in threads:
        thread.join()
    if failed:
        sys.exit(1)
