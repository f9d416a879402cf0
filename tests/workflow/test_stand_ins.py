"""The stand-ins for curl and jq: what they refuse. What they do is tested by test_notify.py, beside the real tools."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

import pytest

from phaseline.demo import RunnerMissing
from phaseline.demo.workspace import STAND_INS, find_act, prepare, stand_in

CURL = ["--disable", "--silent", "--show-error", "--globoff", "--proto", "=http,https", "--connect-timeout", "5"]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("jq", ["-n", "--arg", "a", "b", "."]),
        ("jq", ["-e", "."]),
        ("jq", ["."]),
        ("jq", ["-r", "."]),
        ("curl", [*CURL, "--insecure", "http://127.0.0.1"]),
        ("curl", ["http://127.0.0.1"]),
    ],
    ids=" ".join,
)
def test_an_option_that_is_not_known_is_refused_loudly(tmp_path: Path, command: str, arguments: list[str]) -> None:
    executable = stand_in(command, tmp_path)
    finished = subprocess.run([executable, *arguments], capture_output=True, check=False, timeout=10)
    assert finished.returncode == 2
    assert b"(stand-in): error" in finished.stderr


def test_they_are_used_only_where_the_real_tools_are_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda command: None if command == "jq" else f"/usr/bin/{command}")
    assert [file.name for file in prepare(tmp_path).bin.iterdir()] == ["jq"]


@pytest.mark.parametrize("command", STAND_INS)
def test_a_machine_that_has_neither_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RunnerMissing, match=rf"{command} is not on this machine.*phaseline\[demo\]"):
        stand_in(command, tmp_path)


def test_a_machine_without_act_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda command: None)
    with pytest.raises(RunnerMissing, match=r"act.*phaseline\[demo\]"):
        find_act()
