"""Real PostgreSQL servers for tests, on a machine where nobody installed one: the programs, for each major version."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
CACHE = TOOLS.parent.parent / ".cache" / "postgres"


def programs() -> dict[int, Path]:
    """The folder with `postgres` and `initdb` of each major version to be had here, oldest first.

    Those from npm: the oldest and the newest that phaseline supports, and the newest alone on platforms for which npm
    has no other. Where it has none that runs here, those that somebody installed; or none.
    """
    return _by_version(_unpacked()) or _by_version(_installed())


def _unpacked() -> Iterator[Path]:
    # npm leaves out the packages for other platforms.
    for package in (TOOLS / "node_modules").glob("postgres-*"):
        yield unpack(package) / "bin"


def _installed() -> Iterator[Path]:
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=True)
        yield Path(answer.stdout.strip())
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent
    yield from Path("/usr/lib/postgresql").glob("*/bin")


def _by_version(folders: Iterable[Path]) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for folder in folders:
        version = _version(folder)
        if version is not None:
            found.setdefault(version, folder)
    return dict(sorted(found.items()))


def _version(folder: Path) -> int | None:
    """The major version of the programs in a folder, or None where they are not complete or do not run here."""
    try:
        for program in ("initdb", "postgres"):
            answer = subprocess.run(
                [folder / program, "--version"], env=libraries(folder), capture_output=True, text=True, check=True
            )
    except (OSError, subprocess.CalledProcessError):
        return None
    # "postgres (PostgreSQL) 18.4"; a distribution may add words of its own.
    return int(answer.stdout.split()[2].split(".")[0])


def libraries(folder: Path) -> dict[str, str]:
    """The environment in which the programs of this folder find the libraries that came with them."""
    return {"LD_LIBRARY_PATH": str(folder.parent / "lib")}


def unpack(package: Path) -> Path:
    """The npm package made ready to run, once: npm keeps neither symbolic links nor, everywhere, who may execute.

    Made under another name and then renamed, as the browser is, so that nobody ever sees half of it.
    """
    version = json.loads((package / "package.json").read_text())["version"]
    ready = CACHE / f"{package.name}-{version}"
    if not ready.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix="unpacking-", dir=CACHE))
        tree = shutil.copytree(package / "native", making / "native", ignore=shutil.ignore_patterns("*.a"))
        for link in json.loads((tree / "pg-symlinks.json").read_text()):
            (making / link["target"]).symlink_to(Path(link["source"]).name)
        for program in (tree / "bin").iterdir():
            program.chmod(0o755)
        try:
            tree.rename(ready)
        except OSError:
            pass  # another test run was faster
        finally:
            shutil.rmtree(making)
    return ready


if __name__ == "__main__":
    found = programs()
    for version, folder in found.items():
        print(f"PostgreSQL {version}: {folder}")
    if not found:
        print("no PostgreSQL for this platform: the tests that need one are skipped")
