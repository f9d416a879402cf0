"""GitHub's own description of its API, and its examples of webhooks: what our fake of GitHub is held to.

They come from npm, and are not installed with the other test tools: unpacked, the one has 404 MB, of which the tests
need a thousandth. So each package is fetched once, held against the hash below, and the part that matters is kept.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = ROOT / ".cache" / "github"

# Each package at its version, with the hash that npm has published it under.
OPENAPI = (
    "@octokit/openapi@23.0.2",
    "sha512-pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg==",
)
EXAMPLES = (
    "@octokit/webhooks-examples@7.6.1",
    "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ==",
)

_R = "/repos/{owner}/{repo}"
_RUN = f"{_R}/actions/runs/{{run_id}}"
_WORKFLOW = f"{_R}/actions/workflows/{{workflow_id}}"

# What phaseline asks GitHub for, and what GitHub sends it by itself.
OPERATIONS = {
    _R: "get",
    f"{_WORKFLOW}/dispatches": "post",
    f"{_WORKFLOW}/runs": "get",
    _RUN: "get",
    f"{_RUN}/attempts/{{attempt_number}}": "get",
    f"{_RUN}/attempts/{{attempt_number}}/jobs": "get",
    f"{_RUN}/pending_deployments": "get",
    f"{_RUN}/cancel": "post",
    f"{_RUN}/rerun": "post",
    f"{_RUN}/rerun-failed-jobs": "post",
    f"{_R}/commits/{{ref}}": "get",
    f"{_R}/git/matching-refs/{{ref}}": "get",
    f"{_R}/branches": "get",
    f"{_R}/tags": "get",
    f"{_R}/compare/{{basehead}}": "get",
    "/app/installations/{installation_id}/access_tokens": "post",
}
WEBHOOKS = ("workflow_run", "workflow_job")
_ACTIONS = ("run-requested", "run-in-progress", "run-completed")
_JOB_ACTIONS = ("job-queued", "job-waiting", "job-in-progress", "job-completed")
PAYLOADS = [f"webhook-workflow-{action}" for action in (*_ACTIONS, *_JOB_ACTIONS)]


class NotAsPublished(Exception):
    """The package that was fetched is not the one whose hash stands here."""


def description() -> Path:
    """Of all that GitHub describes, the operations and payloads above, and what they refer to."""
    return _kept("description", OPENAPI, "package/generated/api.github.com.json", _slice)


def examples() -> Path:
    """GitHub's examples of the two kinds of deliveries: `{event: [payload, …]}`."""
    return _kept("examples", EXAMPLES, "package/api.github.com/index.json", _deliveries)


def _kept(name: str, package: tuple[str, str], member: str, part: Callable[[Any], Any]) -> Path:
    """The part as it is kept. Written under another name and then renamed, so that nobody ever sees half of it."""
    version = package[0].rpartition("@")[2]
    # What is kept follows from this file as well.
    ready = CACHE / f"{name}-{version}-{hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]}.json"
    if not ready.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="fetching-", dir=CACHE) as folder:
            whole = _read(_fetched(package, Path(folder)), member)
            making = Path(folder) / "part.json"
            making.write_text(json.dumps(part(json.loads(whole)), separators=(",", ":")))
            making.rename(ready)
    return ready


def _fetched(package: tuple[str, str], folder: Path) -> Path:
    """The package as npm gives it out. Raises NotAsPublished."""
    name, published = package
    npm: list[str | Path] = [sys.executable, ROOT / "tools" / "npm.py", os.path.relpath(folder, ROOT)]
    subprocess.run([*npm, "pack", name, "--silent"], check=True, stdout=subprocess.DEVNULL)
    (fetched,) = folder.glob("*.tgz")
    digest = "sha512-" + base64.b64encode(hashlib.sha512(fetched.read_bytes()).digest()).decode()
    if digest != published:
        raise NotAsPublished(f"{name} has the hash {digest}, and not {published}")
    return fetched


def _read(package: Path, member: str) -> bytes:
    """One file of it; nothing is unpacked."""
    with tarfile.open(package, "r|gz") as archive:
        for entry in archive:
            if entry.name == member:
                file = archive.extractfile(entry)
                assert file is not None
                return file.read()
    raise FileNotFoundError(f"{member} is not in {package.name}")


def _slice(whole: dict[str, Any]) -> dict[str, Any]:
    paths = {path: {method: _plain(whole["paths"][path][method])} for path, method in OPERATIONS.items()}
    components: dict[str, dict[str, Any]] = {}
    wanted = [f"#/components/schemas/{payload}" for payload in PAYLOADS] + list(_references(paths))
    while wanted:
        _, _, kind, name = wanted.pop().split("/")
        if name not in components.setdefault(kind, {}):
            components[kind][name] = _plain(whole["components"][kind][name])
            wanted += _references(components[kind][name])
    return {"openapi": whole["openapi"], "info": whole["info"], "paths": paths, "components": components}


def _plain(node: Any) -> Any:
    """Without the examples, which refer to much that is not needed; members that are called so stay."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: {name: _plain(schema) for name, schema in value.items()} if key == "properties" else _plain(value)
        for key, value in node.items()
        if key not in ("example", "examples", "description", "externalDocs")
    }


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for item in node:
            yield from _references(item)


def _deliveries(events: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {event["name"]: event["examples"] for event in events if event["name"] in WEBHOOKS}


if __name__ == "__main__":
    print(description(), examples(), sep="\n")
