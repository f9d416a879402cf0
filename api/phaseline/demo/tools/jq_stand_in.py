"""Stands in for jq where a machine has none: `jq -n PROGRAM` and `jq -r PROGRAM FILE`, all that notify.sh uses.

The work is done by libjq itself, through the package `jq`.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

jq: Any = importlib.import_module("jq")


def main() -> int:
    parser = argparse.ArgumentParser(prog="jq (stand-in)", allow_abbrev=False)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("-n", dest="null_input", action="store_true")
    how.add_argument("-r", dest="raw_output", action="store_true")
    parser.add_argument("program")
    parser.add_argument("file", nargs="?", type=Path)
    arguments = parser.parse_args()
    if arguments.null_input == (arguments.file is not None):
        parser.error("-n goes without a file, and -r with one")

    text = "null" if arguments.null_input else arguments.file.read_text(encoding="utf-8", errors="replace")
    try:
        results = jq.compile(arguments.program).input_text(text).all()
    except ValueError as error:
        print(f"jq (stand-in): {error}", file=sys.stderr)
        return 5
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    for result in results:
        raw = arguments.raw_output and isinstance(result, str)
        print(result if raw else json.dumps(result, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
