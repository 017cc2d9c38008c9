"""The page: two phones on a desk, one on a small screen, and a panel."""

from __future__ import annotations

from pathlib import Path

import jinja2
from aiohttp import web

from line.simulator.world import World

HERE = Path(__file__).parent
POLICY = "default-src 'self'; img-src * data:; frame-src *; object-src 'none'; base-uri 'none'"


def add_routes(app: web.Application, world: World) -> None:
    """Register the page, its files, and the pictures of rich menus."""
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE / "templates"), autoescape=True)

    async def page(request: web.Request) -> web.StreamResponse:
        """GET /; always by the loopback address, as the mini-app's cookies are that site's."""
        if request.url.host == "localhost":
            raise web.HTTPFound(request.url.with_host("127.0.0.1"))
        channel = world.channel
        text = templates.get_template("phones.html").render(channel=channel, app=channel.public_url)
        return web.Response(
            text=text,
            content_type="text/html",
            headers={"Cache-Control": "no-cache", "Content-Security-Policy": POLICY},
        )

    async def menu_image(request: web.Request) -> web.StreamResponse:
        """GET /_sim/menus/{id}/image: the uploaded picture, without a token, for the page."""
        menu = world.menus.by_id.get(request.match_info["menu_id"])
        if menu is None or menu.image is None:
            raise web.HTTPNotFound
        return web.Response(body=menu.image, content_type=menu.image_type, headers={"Cache-Control": "max-age=86400"})

    async def icon(request: web.Request) -> web.StreamResponse:
        """GET /favicon.ico: none."""
        return web.Response(status=204)

    app.router.add_get("/", page)
    app.router.add_get("/favicon.ico", icon)
    app.router.add_get("/_sim/menus/{menu_id}/image", menu_image)
    app.router.add_static("/static/", HERE / "static")
