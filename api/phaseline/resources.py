"""Finds the files that phaseline carries beside its code: in an installed wheel and in a checkout alike."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def find(relative: str) -> Path:
    """The path of `relative`, which is given from the root of the repository, such as `.github/workflows/ci.yml`.

    A wheel carries its files in `_bundled`, under the same relative path; they come before those of a checkout.
    Raises FileNotFoundError where neither has it.
    """
    candidates = (PACKAGE / "_bundled" / relative, PACKAGE.parents[1] / relative)
    for candidate in candidates:
        if candidate.exists():
            return candidate
    looked = " nor at ".join(str(candidate) for candidate in candidates)
    raise FileNotFoundError(f"phaseline does not come with {relative}: it is neither at {looked}")
