"""The section [github] of the environments file: where GitHub is, and as whom phaseline calls it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationInfo, model_validator

from phaseline.callers.addresses import Address
from phaseline.callers.forms import Id

_API, _PAGES = "https://api.github.com", "https://github.com"

_Base = Annotated[Address, AfterValidator(lambda value: value.rstrip("/"))]


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App's installation; `key` is the app's private key, in PEM."""

    app_id: int
    installation_id: int
    key: SecretStr


@dataclass(frozen=True, slots=True)
class Token:
    """A token that GitHub has given to somebody."""

    token: SecretStr


Credential = App | Token


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the settings hold for calling GitHub."""

    key_file: Path | None = None
    token: SecretStr | None = None


class GitHub(BaseModel):
    """Its two addresses, without a slash at their ends, and the App that phaseline is there, if it is one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_url: _Base = _API
    web_url: _Base = _PAGES
    app_id: Id | None = None
    installation_id: Id | None = None

    @property
    def is_github_com(self) -> bool:
        """Whether it is everybody's, and not an enterprise's own."""
        return self.api_url == _API

    @model_validator(mode="after")
    def _whole(self, info: ValidationInfo) -> Self:
        secrets = (info.context or {}).get("secrets", Secrets())
        problem = self._half(self.app_id is not None, secrets)
        if problem is not None:
            raise ValueError(problem)
        return self

    def _half(self, is_app: bool, secrets: Secrets) -> str | None:
        """What is missing, or too much."""
        if (self.api_url == _API) != (self.web_url == _PAGES):
            return "api_url and web_url are of one GitHub, so either both are given or neither is"
        if is_app != (self.installation_id is not None):
            return "app_id and installation_id are of one App, so either both are given or neither is"
        if is_app and secrets.key_file is None:
            return "app_id needs PHASELINE_GITHUB_KEY_FILE, the App's private key"
        if secrets.key_file is not None and not is_app:
            return "PHASELINE_GITHUB_KEY_FILE is set, so app_id and installation_id are needed: whose key is it?"
        if secrets.key_file is not None and secrets.token is not None:
            return "PHASELINE_GITHUB_KEY_FILE and PHASELINE_GITHUB_TOKEN are both set: GitHub is called as one of them"
        return None

    def credential(self, secrets: Secrets) -> Credential | None:
        """As whom phaseline calls GitHub; None: it does not. Raises KeyUnusable."""
        if self.app_id is not None and self.installation_id is not None and secrets.key_file is not None:
            return App(self.app_id, self.installation_id, _key(secrets.key_file))
        return Token(secrets.token) if secrets.token is not None else None


class KeyUnusable(Exception):
    """The file of an App's key cannot be used. The text names it and says why."""


def _key(file: Path) -> SecretStr:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise KeyUnusable(f"{file}: {error.strerror or error}") from None
    try:
        key, text = load_pem_private_key(content, password=None), content.decode()
    except (ValueError, TypeError, UnsupportedAlgorithm):  # it is none, or is itself locked by a password
        key, text = None, ""
    if not isinstance(key, RSAPrivateKey):
        raise KeyUnusable(f"{file}: holds no RSA private key in PEM, as GitHub gives one to an App")
    return SecretStr(text)
