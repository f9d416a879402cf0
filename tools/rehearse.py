"""Rehearse the two commands as somebody meets them who has just cloned us and has none of our tools.

`rehearse.py [test|demo …]`: clones HEAD into a temporary directory and runs `make test`, then `make demo`, with a PATH
of basics only, an empty home and so empty caches; as an unprivileged user where it is started as root. What tells
package managers how to get out to the network is passed on, because no machine works without its own.
"""

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import caches

BASICS = """
    make git sh bash env uname id cat ls cp mv rm ln mkdir rmdir mktemp touch chmod head tail cut tr sort uniq wc tee
    sed awk grep find xargs dirname basename readlink realpath printf echo test sleep date true false expr kill ps
""".split()
PASSED_ON = re.compile(r"(PIP_|UV_|NPM_CONFIG_|SSL_CERT_|NODE_EXTRA_CA)|(HTTPS?|NO|ALL)_PROXY$|LANG$", re.IGNORECASE)
NOBODY = "nobody"
DEMO = "http://127.0.0.1:18437"
BROWSER = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())


def python() -> str:
    """A Python that others may run too: one that lies in root's home is of no use to `nobody`."""
    for candidate in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        real = Path(candidate).resolve()
        open_to_all = all(parent.stat().st_mode & 0o001 for parent in real.parents)
        check = [candidate, "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"]
        if (
            (os.geteuid() or open_to_all)
            and real.exists()
            and subprocess.run(check, stderr=subprocess.DEVNULL).returncode == 0
        ):
            return str(real)
    sys.exit(f"There is no Python here that {NOBODY} may run.")


def prepare(base: Path) -> dict[str, str]:
    """A clone, a PATH and a home under `base`; the environment to run in."""
    subprocess.run(["git", "clone", "--quiet", caches.ROOT, base / "clone"], check=True)
    commands = base / "bin"
    commands.mkdir()
    for name in BASICS:
        if found := shutil.which(name):
            (commands / name).symlink_to(Path(found).resolve() if name != "awk" else found)
    (commands / "python3").symlink_to(python())
    (base / "home").mkdir()
    (base / "tmp").mkdir()
    passed_on = {name: value for name, value in os.environ.items() if PASSED_ON.match(name)}
    paths = {"PATH": str(commands), "HOME": str(base / "home"), "TMPDIR": str(base / "tmp")}
    return {**passed_on, **paths, "CI": "true"}


def as_whom(base: Path) -> dict[str, int | list[int]]:
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam(NOBODY)
    base.chmod(0o755)
    for path in [base, *base.rglob("*")]:
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def rehearse_test(clone: Path, **how: object) -> None:
    subprocess.run(["bash", ".ci/run"], cwd=clone, check=True, stdin=subprocess.DEVNULL, **how)  # type: ignore[call-overload]


def answer(path: str, document: str | None = None) -> str:
    """What the demo's server answers; with a document, to that GraphQL operation."""
    body = json.dumps({"query": document}).encode() if document else None
    request = urllib.request.Request(DEMO + path, body, {"Content-Type": "application/json"})
    with BROWSER.open(request, timeout=10) as response:
        text: str = response.read().decode()
    return text


def within(seconds: float, what: str, demo: "subprocess.Popen[bytes]", done: Callable[[], bool]) -> None:
    """Wait until it is done; a server that does not answer yet is no error."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if demo.poll() is not None:
            sys.exit(f"make demo ended by itself, with {demo.returncode}")
        try:
            if done():
                return
        except OSError:
            pass
        time.sleep(0.5)
    sys.exit(f"make demo: {what} within {seconds:.0f} s")


def rehearse_demo(clone: Path, **how: object) -> None:
    """Its page is there, and a deploy started on it runs to its end; then it is stopped as a person stops it."""
    command = ["make", "demo", f"ARGS=--port {urlsplit(DEMO).port} --no-browser --pause 0.1"]
    printed = clone.parent / "printed"
    with printed.open("wb") as output:
        demo = subprocess.Popen(command, cwd=clone, start_new_session=True, stdout=output, **how)  # type: ignore[call-overload]

    def link() -> str:
        found = re.search(rf"{DEMO}(/demo/\S+)", printed.read_text())
        return found[1] if found else "/nowhere"

    try:
        within(300, "no console page behind the link", demo, lambda: "<script" in answer(link()))
        answer("/graphql", 'mutation { startDeploy(input: {environment: "here", ref: "main"}) { id } }')
        last = "{ deploys(first: 1) { edges { node { status { key } } } } }"
        within(60, "the deploy has not succeeded", demo, lambda: '"succeeded"' in answer("/graphql", last))
    finally:
        os.killpg(demo.pid, signal.SIGINT)
        if (code := demo.wait(30)) not in (0, -signal.SIGINT):  # make dies of the same signal, and says nothing
            sys.exit(f"make demo ended with {code} when it was interrupted")


REHEARSALS = {"test": rehearse_test, "demo": rehearse_demo}


def main(names: list[str]) -> None:
    for name in names or REHEARSALS:
        with tempfile.TemporaryDirectory(prefix="phaseline-rehearsal-", ignore_cleanup_errors=True) as directory:
            base = Path(directory)
            environment = prepare(base)
            how = as_whom(base)
            for attempt in ("with nothing there", "once more"):
                print(f"» rehearsing `make {name}` {attempt}", flush=True)
                began = time.monotonic()
                REHEARSALS[name](base / "clone", env=environment, **how)
                print(f"» `make {name}` {attempt}: {time.monotonic() - began:.0f} s", flush=True)
            status = subprocess.run(
                ["git", "-c", "safe.directory=*", "status", "--porcelain"],
                cwd=base / "clone",
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            ).stdout
            if status:
                sys.exit(f"make {name} left files that git would take up:\n{status}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except subprocess.CalledProcessError as failure:
        sys.exit(f"The rehearsal failed: {failure}")
