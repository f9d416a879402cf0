from pathlib import Path

import pytest

from phaseline import resources


def test_a_file_is_found_in_the_checkout() -> None:
    assert resources.find(".github/workflows/deploy-console.yml").read_text().startswith("# Deploys")


def test_an_installed_wheel_uses_the_file_it_carries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carried = tmp_path / "phaseline" / "_bundled" / "a" / "file"
    carried.parent.mkdir(parents=True)
    carried.touch()
    monkeypatch.setattr(resources, "PACKAGE", tmp_path / "phaseline")
    assert resources.find("a/file") == carried


def test_a_file_that_is_nowhere_is_named_in_the_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"does not come with no/such.file: it is neither at .* nor at "):
        resources.find("no/such.file")
