"""What can be set: environment variables that begin with PHASELINE_, read once into a frozen object."""

import os
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AnyHttpUrl, Field, SecretStr, TypeAdapter, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "PHASELINE_"

# What callers are given under such names; a shell that has them is no mistake of whoever starts a command in it.
_OF_CALLERS = {"PHASELINE_TOKEN", "PHASELINE_URL"}


class SettingsError(Exception):
    """A variable is unknown or its value is of no use. The text names each and says why."""


class Settings(BaseSettings):
    """How this process runs. Every field is set by PHASELINE_ and its name in capitals."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    database_url: str = Field(
        default="sqlite:///phaseline.db",
        description=(
            "Where the log is kept: sqlite:///FILE, or postgresql+asyncpg://USER:PASSWORD@HOST:PORT/NAME "
            "for any number of nodes."
        ),
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    workers: int = Field(
        default=1, ge=1, le=64, description="How many processes serve; each is a node of its own on one address."
    )
    pool_size: int = Field(
        default=10,
        ge=1,
        le=500,
        description="How many connections to PostgreSQL each process opens at most, beside the one that listens.",
    )
    authentication: Literal["on", "off"] = Field(
        default="on",
        description=(
            "off: whoever reaches the server may do everything, and is anonymous in the log. Only on a loopback "
            "address."
        ),
    )
    trust_file: Path | None = Field(
        default=None,
        description="A TOML file that says whose workflows and which provider's people are trusted (docs/callers.md).",
    )
    provider_secret: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="This server's client secret at the provider that the trust file names (docs/callers.md).",
    )
    environments_file: Path | None = Field(
        default=None,
        description=(
            "A TOML file that says which environments there are, and how to deploy to each (docs/environments.md)."
        ),
    )
    github_key_file: Path | None = Field(
        default=None,
        description="A file with the private key of the GitHub App that this server is (docs/environments.md).",
    )
    github_token: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="What this server calls GitHub with, where it is no GitHub App (docs/environments.md).",
    )
    github_webhook_secret: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="What GitHub signs the events with that it sends to this server (docs/environments.md).",
    )
    reconcile_seconds: float = Field(
        default=30.0,
        gt=0,
        le=3600,
        description=(
            "How often GitHub is asked for the runs of deploys in progress, by one process of all that share the "
            "database, in seconds (docs/github.md)."
        ),
    )
    public_url: str | None = Field(
        default=None,
        description=(
            "The address that browsers and workflows reach this server at, such as https://phaseline.example.com, "
            "where a proxy stands before it."
        ),
    )
    sign_in_hours: float = Field(
        default=12.0, gt=0, le=24 * 30, description="How long a browser stays signed in, in hours."
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description=(
            "Origins of other sites, separated by commas, whose pages may embed the modal: they "
            "may read this server's answers and open WebSockets to it."
        ),
    )
    poll_seconds: float = Field(
        default=2.0,
        gt=0,
        le=3600,
        description=(
            "How often a process looks for what others have written, even if no wake-up came, in seconds. On SQLite "
            "this is how late its viewers see what another process wrote."
        ),
    )
    stall_seconds: float = Field(
        default=10.0,
        gt=0,
        le=3600,
        description="A viewer whose connection is full and takes nothing for this long is cut off, in seconds.",
    )
    grace_seconds: float = Field(
        default=5.0,
        gt=0,
        le=300,
        description="How long a process that is told to stop goes on with what it has begun, in seconds.",
    )
    max_body_bytes: int = Field(
        default=262_144, ge=1024, description="The largest request body that is read, in bytes."
    )
    max_connections: int = Field(
        default=10_000,
        ge=10,
        description=(
            "How many connections each process holds at most; fewer where the system lets it open fewer files "
            "(docs/limits.md)."
        ),
    )
    sockets_per_caller: int = Field(
        default=5000,
        ge=1,
        description="How many sockets and streams one caller may have open in each process.",
    )
    unknown_sockets_per_address: int = Field(
        default=5000,
        ge=1,
        description=(
            "How many sockets of one client address may be open in each process before it is known who calls there."
        ),
    )
    operations_per_socket: int = Field(
        default=100, ge=1, description="How many operations one socket may have under way."
    )
    subscriptions_per_caller: int = Field(
        default=10_000,
        ge=1,
        description="How many subscriptions of one caller, over all its sockets, may run in each process.",
    )
    operation_seconds: float = Field(
        default=12.0,
        gt=0,
        le=3600,
        description=(
            "How long all that a query, or the answer to a mutation, reads may take, waiting included, in seconds."
        ),
    )
    callbacks_per_minute: int = Field(
        default=6000, ge=1, description="How many callbacks one caller may send to each process in a minute."
    )
    starts_per_minute: int = Field(
        default=3000, ge=1, description="How many deploys one caller may start at each process in a minute."
    )
    reads_per_minute: int = Field(
        default=20_000,
        ge=1,
        description="How many queries and subscriptions one caller may begin at each process in a minute.",
    )
    unproven_per_minute: int = Field(
        default=600,
        ge=1,
        description=(
            "How many requests that prove nobody may come from one client address to each process in a minute."
        ),
    )
    sign_ins_per_minute: int = Field(
        default=60,
        ge=1,
        description="How often a browser may try to sign in from one client address at each process in a minute.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description=(
            "Addresses or networks of proxies, separated by commas, whose X-Forwarded-For and X-Forwarded-Proto are "
            "believed; nobody else's are."
        ),
    )
    introspection: bool = Field(
        default=True,
        description="Whether callers who have proven who they are may ask for the schema (__schema, __type).",
    )
    graphiql: bool = Field(
        default=False,
        description="Whether /graphiql is served: a page to write operations in. It may do what its caller may.",
    )
    metrics: bool = Field(
        default=True, description="Whether /metrics is served, for Prometheus. It is not meant for the world."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="The least severe log lines that are written."
    )
    log_format: Literal["auto", "json", "console"] = Field(
        default="auto",
        description="json: a line of JSON each; console: for people; auto: console on a terminal.",
    )
    accept_revision: str | None = Field(
        default=None,
        description=(
            "Serve although the database is at this older revision, along the graph that it holds, until it is "
            "migrated."
        ),
    )

    @property
    def database(self) -> str:
        """The database's address as it may be shown, without its password."""
        return make_url(self.database_url).render_as_string(hide_password=True)

    @field_validator("database_url")
    @classmethod
    def _supported_database(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError:
            raise ValueError("is not a database URL") from None
        # The second is what the first was called once.
        if url.drivername not in ("sqlite", "sqlite+aiosqlite", "postgresql+asyncpg"):
            raise ValueError("must begin with sqlite:// or postgresql+asyncpg://")
        if url.database in (None, "", ":memory:"):
            raise ValueError("must name a file, or a database")
        return value

    @field_validator("github_token")
    @classmethod
    def _sendable(cls, value: SecretStr | None) -> SecretStr | None:
        token = "x" if value is None else value.get_secret_value()
        if not token.isascii() or not token.isprintable() or " " in token:
            raise ValueError("must be printable ASCII, without spaces")
        return value

    @field_validator("trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        parts = tuple(part.strip() for part in value.split(",") if part.strip())
        for part in parts:
            try:
                ip_network(part)
            except ValueError:
                raise ValueError(f"{part!r} is neither an address nor a network such as 10.0.0.0/8") from None
        return parts

    @field_validator("public_url")
    @classmethod
    def _public_origin(cls, value: str | None) -> str | None:
        return None if value is None else _origin(value)

    @model_validator(mode="after")
    def _only_at_home(self) -> Self:
        if self.authentication == "off" and not is_loopback(self.host):
            raise PydanticCustomError(
                "exposed", "PHASELINE_AUTHENTICATION may be off only where PHASELINE_HOST is a loopback address"
            )
        return self

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _origins(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(_origin(part.strip()) for part in value.split(",") if part.strip())


def _origin(text: str) -> str:
    """An origin as browsers send it: scheme, host and port, and nothing behind them."""
    try:
        url = TypeAdapter(AnyHttpUrl).validate_python(text)
    except ValidationError:
        raise ValueError(f"{text!r} is not an origin like https://example.org") from None
    if url.path not in (None, "/") or url.query or url.fragment or url.username:
        raise ValueError(f"{text!r} has more than scheme, host and port")
    return text.rstrip("/").lower()


def is_loopback(host: str) -> bool:
    """Whether this names the machine itself, so that nothing from outside comes to it."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def read(**instead: Any) -> Settings:
    """Read the settings; `instead` holds those that do not come from the environment.

    Raises SettingsError, which names every variable that is wrong.
    """
    given = {name for name in os.environ if name.upper().startswith(PREFIX)}
    known = {PREFIX + name.upper() for name in Settings.model_fields} | _OF_CALLERS
    problems = [
        f"{name}: there is no such setting; see `phaseline settings`"
        for name in sorted(given)
        if name.upper() not in known
    ]
    try:
        settings = Settings(**instead)
    except ValidationError as error:
        problems += [_problem(detail["loc"], detail["msg"]) for detail in error.errors()]
    if problems:
        raise SettingsError("\n".join(problems))
    return settings


def described() -> list[tuple[str, object, str]]:
    """Every variable with its default and its meaning."""
    return [
        (PREFIX + name.upper(), field.get_default(call_default_factory=True), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _problem(location: tuple[int | str, ...], message: str) -> str:
    if not location:  # it is of several at once, and names them itself
        return message
    return f"{PREFIX}{str(location[0]).upper()}: {message.removeprefix('Value error, ')}"
