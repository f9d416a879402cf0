"""The demo's own login: a link that signs in whoever opens it, and a token for its workflow. Both end with the demo."""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from phaseline.callers import tokens
from phaseline.identity import Identity, known
from phaseline.settings import Settings
from phaseline.signing_in import SigningIn, answering
from phaseline.store import Store
from phaseline_schema.rights import Proof, Role

# Should the demo be killed, and not end them itself.
_LONGEST = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Login:
    """`path`: of the link. It holds a secret that is made anew for each demo, and lies nowhere but in its process."""

    path: str
    person: Identity
    workflow_token: str
    names: tuple[str, ...]

    def open(self, app: FastAPI, settings: Settings) -> None:
        """Let an application know the link."""

        @app.get(self.path, include_in_schema=False)
        @answering
        async def sign_in(request: Request) -> Response:
            response = RedirectResponse("/", 303, headers={"referrer-policy": "no-referrer"})
            signing_in = SigningIn(app.state.services.store, _LONGEST, settings.public_url)
            await signing_in.begin(request, self.person, response)
            return response


async def begin(store: Store) -> Login:
    """A login of a demo's own."""
    names = [f"demo-{secrets.token_hex(4)}-{role}" for role in (Role.OPERATOR, Role.WORKFLOW)]

    async def write(connection: AsyncConnection) -> Login:
        operator, _ = await tokens.create(connection, names[0], Role.OPERATOR, None, _LONGEST)
        _, workflow_token = await tokens.create(connection, names[1], Role.WORKFLOW, None, _LONGEST)
        person = known("demo", Role.OPERATOR, Proof.SIGN_IN, credential=operator.id)
        return Login(f"/demo/{secrets.token_urlsafe(16)}", person, workflow_token, tuple(names))

    return await store.write(write)


async def end(store: Store, login: Login) -> None:
    """Revoke the tokens, and with them end every sign-in by the link."""

    async def write(connection: AsyncConnection) -> None:
        for name in login.names:
            await tokens.revoke(connection, name)

    await store.write(write)
