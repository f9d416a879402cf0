"""Nothing in git may say where packages are fetched from, or where somebody's files lie.

A registry's address in a lock sends everybody else to it, and a path of one machine works on no other.
"""

import re
import subprocess
import sys

import caches

ROOT = caches.ROOT

HOSTS = (
    r"registry\.(npmjs|yarnpkg|npmmirror)\.\w+|pypi\.org/(simple|pypi)|files\.pythonhosted\.org|npm\.pkg\.github\.com"
)
OPTIONS = r"^\s*(--(extra-)?index-url|--find-links|-i |-f )|\b(index-url|find-links)\s*="
PATHS = r"(?<![\w.~-])/(home/(?!runner)[a-z]|root/|Users/[a-z]|opt/(wheels|pypi))"

FORBIDDEN = {
    "a registry's host": re.compile(HOSTS),
    "an index option": re.compile(OPTIONS, re.MULTILINE),
    "a path of somebody's machine": re.compile(PATHS),
}
# These name what they forbid.
EXEMPT = {"tools/addresses.py"}


def complaints(name: str, text: str) -> list[str]:
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match[0].strip()}"
        for what, pattern in FORBIDDEN.items()
        for match in pattern.finditer(text)
    ]
    if name.endswith("package-lock.json") and '"resolved"' in text:
        found.append(f"{name}: has `resolved` addresses: set omit-lockfile-registry-resolved in .npmrc beside it")
    return found


def main() -> str | None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: list[str] = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if name in EXEMPT or not path.is_file():
            continue
        try:
            found += complaints(name, path.read_text())
        except UnicodeDecodeError:
            continue  # a picture
    return "\n".join(found) or None


if __name__ == "__main__":
    sys.exit(main())
