"""What LINE shows of a new friend, asked before the transaction; their menu, shown after it. Both may fail quietly."""

import structlog

from domain.operations import menus
from domain.operations.befriending import Profile
from door import Service
from line.client import LineClient, LineTrouble

log = structlog.get_logger()


class Profiles:
    """The inbox reader's few questions to LINE; none is asked while a transaction is open (I10)."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._line = LineClient(service.extra["line"])

    def of(self, user_id: str | None) -> Profile | None:
        """Name, picture and language; None when LINE does not say (blocked again, or LINE is away)."""
        if user_id is None:
            return None
        try:
            found = self._line.profile(user_id)
        except LineTrouble as trouble:
            log.warning("no profile", status=trouble.status)
            return None
        return Profile(found.name, found.picture_url, found.language)

    def show_menu(self, user_id: str) -> None:
        """Links the rich menu of the person's language, where it is not the one they see already."""
        with self.service.sessions.reading() as session:
            menu_id = menus.menu_for(session, user_id)
        if menu_id is None:
            return
        try:
            self._line.link_menu(user_id, menu_id)
        except LineTrouble as trouble:
            log.warning("menu not linked", status=trouble.status)
            return
        with self.service.sessions.writing() as session:
            menus.shown(session, [user_id], menu_id)
            session.commit()
