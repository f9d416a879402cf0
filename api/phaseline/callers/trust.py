"""Whom this server trusts beyond its own tokens: the TOML file of PHASELINE_TRUST_FILE, read once before serving."""

from collections.abc import Collection
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from phaseline.callers.provider import Provider
from phaseline.callers.repositories import GitHub, Repository
from phaseline.toml.reading import TomlFile


class Trust(BaseModel):
    """The file; each section is there or not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    github: GitHub | None = None
    provider: Provider | None = None

    def with_runs_of(self, repositories: Collection[Repository], public_url: str | None) -> Self:
        """The same, and the runs of these repositories besides, as if the file named them.

        Without a section [github] they are github.com's, and their ID tokens made for `public_url`, which is needed
        then.
        """
        if not repositories:
            return self
        if self.github is not None:
            github = self.github.with_more(repositories)
        else:
            github = GitHub(audience=public_url or "", repositories=tuple(repositories))
        return self.model_copy(update={"github": github})


NOBODY_ELSE = Trust()


def read(
    file: Path | None, public_url: str | None, *, has_provider_secret: bool = False, trusted_elsewhere: bool = False
) -> Trust:
    """What the file says. Raises FileError.

    `public_url`: this server's own address, where it is known; it is what ID tokens have to be made for.
    `has_provider_secret`: whether there is one to prove to the provider with who asks. `trusted_elsewhere`: whether
    there are runs that another file trusts, so that this one need not name any.
    """
    if file is None:
        return NOBODY_ELSE
    context = {
        "public_url": public_url,
        "has_provider_secret": has_provider_secret,
        "trusted_elsewhere": trusted_elsewhere,
    }
    return TomlFile.of(file).understood(Trust, context)
