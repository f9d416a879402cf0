"""The console page and the modal's script, as the frontend's build left them."""

from collections.abc import Mapping
from pathlib import Path

import structlog
from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles

from phaseline import resources

log = structlog.get_logger(__name__)


def _written(policy: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in policy.items())


# Only what is named: nothing is loaded from elsewhere, nothing in a page's own text is run or gives it a style, and
# text becomes markup only where Lit makes it. 'self' holds for this origin's WebSocket, too.
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "lit-html",
}
# GraphiQL makes markup itself, and has its icons and letters in its own text.
_GRAPHIQL_POLICY = {name: value for name, value in _POLICY.items() if "trusted-types" not in name} | {
    "img-src": "'self' data:",
    "font-src": "'self' data:",
}
_PAGE_HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": _written(_POLICY),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",  # for those who look over servers and know no newer word for it
}
_GRAPHIQL_HEADERS = _PAGE_HEADERS | {"content-security-policy": _written(_GRAPHIQL_POLICY)}
_ICON_HEADERS = {"cache-control": "no-cache", "x-content-type-options": "nosniff"}
_SCRIPT_HEADERS = {
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    # A module script of another origin is only run with this. The script is public; what it may
    # read from this server is decided elsewhere, by PHASELINE_ALLOWED_ORIGINS.
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}


def mount(app: FastAPI) -> None:
    """Serve `/`, `/deploys/<id>`, `/icon.svg`, `/assets/` and `/phaseline-modal.js`, if they have been built."""
    try:
        built = resources.find("frontend/dist")
    except FileNotFoundError:
        log.warning("the pages are not built, only the API is served")
        return
    app.include_router(_routes(built))
    app.mount("/assets", StaticFiles(directory=built / "assets", check_dir=False))


def mount_graphiql(app: FastAPI) -> None:
    """Serve `/graphiql`, if it has been built."""
    try:
        built = resources.find("frontend/graphiql/dist")
    except FileNotFoundError:
        log.warning("GraphiQL is not built (`make graphiql`), and is not served")
        return

    @app.get("/graphiql", include_in_schema=False)
    async def page() -> Response:
        return FileResponse(built / "index.html", headers=_GRAPHIQL_HEADERS)

    app.mount("/graphiql/assets", StaticFiles(directory=built / "assets"))


def _routes(built: Path) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    @router.get("/deploys/{deploy_id}")
    async def page() -> Response:
        return FileResponse(built / "index.html", headers=_PAGE_HEADERS)

    @router.get("/icon.svg")
    async def icon() -> Response:
        return FileResponse(built / "icon.svg", headers=_ICON_HEADERS)

    @router.get("/phaseline-modal.js")
    async def script() -> Response:
        return FileResponse(built / "phaseline-modal.js", headers=_SCRIPT_HEADERS)

    return router
