"""`phaseline demo`: a server, and a local run of the workflow for every deploy that is started on its page."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import structlog

from phaseline.app import create_app
from phaseline.demo.commands import GATES, watchable
from phaseline.demo.login import Login
from phaseline.demo.runner import run_workflow
from phaseline.serving import Server, address
from phaseline.settings import Settings
from phaseline_schema.records import DeployRecord

log = structlog.get_logger(__name__)

# A deploy of the ref `fail-smoke` fails in its smoke gate, and so on.
FAILING_REF = "fail-"


@dataclass
class Demo:
    """What the demo was asked for, and the workflow runs that are under way."""

    settings: Settings
    listener: socket.socket
    pause_seconds: float
    fail: str | None
    login: Login
    _runs: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, on_ready: Callable[[str], None]) -> None:
        """Serve until a signal ends it, then end the runs as well. `on_ready` is told the link that signs in."""
        app = create_app(self.settings, on_started=self._dispatch)
        self.login.open(app, self.settings)
        ready = partial(on_ready, address(self.listener) + self.login.path)
        await Server(app, self.settings, ready, on_stopping=self._cancel).serve([self.listener])

    async def _cancel(self) -> None:
        """Cancel the runs while the server can still be told of it."""
        for run in self._runs:
            run.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    async def _dispatch(self, deploy: DeployRecord) -> None:
        """Start a run of the workflow for the deploy, as GitHub would."""
        run = asyncio.create_task(self._run(deploy))
        self._runs.add(run)
        run.add_done_callback(self._runs.discard)

    async def _run(self, deploy: DeployRecord) -> None:
        try:
            code = await run_workflow(
                deploy_id=deploy.id,
                environment=deploy.environment,
                ref=deploy.ref,
                server_url=address(self.listener),
                token=self.login.workflow_token,
                has_page=False,
                commands=watchable(self.pause_seconds, self.fail or failing(deploy.ref)),
            )
        except Exception:
            log.exception("the workflow could not be run", deploy=deploy.id)
        else:
            log.info("the workflow has ended", deploy=deploy.id, code=code)


def failing(ref: str) -> str | None:
    """The gate that a ref asks to fail, if it asks for one."""
    gate = ref.removeprefix(FAILING_REF)
    return gate if gate != ref and gate in GATES else None
