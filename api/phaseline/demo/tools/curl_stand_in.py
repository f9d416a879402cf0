"""Stands in for curl where a machine has none. Knows the options that notify.sh uses, and refuses every other.

The transfer is libcurl's, through the package `pycurl`; what libcurl leaves to the curl command, the retries, is here.
"""

import argparse
import importlib
import io
import re
import sys
import time
from pathlib import Path
from typing import Any

pycurl: Any = importlib.import_module("pycurl")

# Those that `curl --retry` takes for passing troubles.
PASSING = {408, 429, 500, 502, 503, 504}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="curl (stand-in)", allow_abbrev=False, add_help=False)
    for flag in ("--disable", "--silent", "--show-error", "--globoff", "--retry-all-errors"):
        parser.add_argument(flag, action="store_true", required=True)
    parser.add_argument("--proto", choices=["=http,https"], required=True)
    for flag in ("--connect-timeout", "--max-time", "--retry", "--retry-max-time"):
        parser.add_argument(flag, type=int, required=True)
    parser.add_argument("--header", type=file_named_after_at, required=True)
    parser.add_argument("--data-binary", type=file_named_after_at)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--write-out", choices=["%{http_code}"], required=True)
    parser.add_argument("url")
    return parser.parse_args()


def file_named_after_at(value: str) -> bytes:
    if not value.startswith("@"):
        raise argparse.ArgumentTypeError("only @FILE is understood")
    return Path(value[1:]).read_bytes()


def transfer(asked: argparse.Namespace) -> tuple[int, bytes, int]:
    """One attempt: the HTTP status, the body, and the seconds the server asks to wait. Raises pycurl.error."""
    body, head = io.BytesIO(), io.BytesIO()
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, asked.url)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.CONNECTTIMEOUT, asked.connect_timeout)
    curl.setopt(pycurl.TIMEOUT, asked.max_time)
    curl.setopt(pycurl.HTTPHEADER, asked.header.splitlines())
    if asked.data_binary is not None:
        curl.setopt(pycurl.POSTFIELDS, asked.data_binary)
    curl.setopt(pycurl.WRITEFUNCTION, body.write)
    curl.setopt(pycurl.HEADERFUNCTION, head.write)
    try:
        curl.perform()
        status = int(curl.getinfo(pycurl.RESPONSE_CODE))
    finally:
        curl.close()
    wait = re.search(rb"(?im)^retry-after:\s*(\d+)\s*$", head.getvalue())
    return status, body.getvalue(), int(wait[1]) if wait else 0


def main() -> int:
    asked = options()
    started = time.monotonic()
    pause = 1
    left = asked.retry
    while True:
        exit_code, status, body, wait, trouble = 0, 0, b"", 0, ""
        try:
            status, body, wait = transfer(asked)
        except pycurl.error as error:
            exit_code, trouble = error.args[0], error.args[1]
        passing = exit_code != 0 or status in PASSING
        seconds = wait or pause
        if not passing or left == 0 or time.monotonic() - started + seconds > asked.retry_max_time:
            break
        left -= 1
        pause *= 2
        time.sleep(seconds)
    if exit_code:
        print(f"curl: ({exit_code}) {trouble}", file=sys.stderr)
    else:
        asked.output.write_bytes(body)
    print(f"{status:03d}", end="")
    return int(exit_code)


if __name__ == "__main__":
    sys.exit(main())
