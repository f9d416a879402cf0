"""docs/api.md tells of every code that a caller may be answered with, and with which HTTP status."""

import re
from pathlib import Path

from phaseline_schema import refusals
from phaseline_schema.refusals import Refusal

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text()


def _coded(kind: type[Refusal]) -> set[tuple[str, int]]:
    own = {(kind.code, kind.http_status)} if hasattr(kind, "code") else set()
    return own.union(*map(_coded, kind.__subclasses__()))


def test_every_refusal_has_its_line() -> None:
    assert refusals.__name__ == Refusal.__module__, "all of them are there"
    rows = re.findall(r"^\| ((?:`[A-Z_]+`(?:, )?)+) \| (\S+) \|", PAGE, re.MULTILINE)
    told = {(code, int(status)) for codes, status in rows for code in re.findall(r"[A-Z_]+", codes) if status.isdigit()}
    assert len(told) > 15
    assert not _coded(Refusal) - told
