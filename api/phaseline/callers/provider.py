"""The section [provider] of the trust file: through which OpenID Connect provider people sign in, and as what."""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from phaseline.callers.addresses import Address
from phaseline.callers.forms import EnvironmentName
from phaseline.identity import EVERYWHERE, Environments, Identity, known
from phaseline_schema import inputs
from phaseline_schema.refusals import BadUserInput, Forbidden, Unauthenticated
from phaseline_schema.rights import RIGHTS, SCOPED, Proof, Role

# What the names of such people begin with in the log, so that nobody can be called like a token or a workflow run.
_PREFIX = "oidc:"

_Text = Annotated[str, Field(min_length=1, max_length=255)]


def _for_people(role: Role) -> Role:
    if role is Role.WORKFLOW:
        raise ValueError("a person cannot be a workflow")
    return role


class Group(BaseModel):
    """What the members of a group may do. `environments`: for which ones, where the role is for environments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    group: _Text
    role: Annotated[Role, AfterValidator(_for_people)]
    environments: frozenset[EnvironmentName] | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _scoped(self) -> Self:
        if self.environments is not None and self.role not in SCOPED:
            raise ValueError(f"environments: the role {self.role} is not for environments")
        return self


class Provider(BaseModel):
    """Who says who people are, as whom this server asks, and which claims of an ID token say what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=64)]
    issuer: Address
    client_id: _Text
    scopes: tuple[_Text, ...] = ("openid", "email", "groups")
    name_claim: _Text = "email"
    groups_claim: _Text = "groups"
    roles: Annotated[tuple[Group, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _usable(self, info: ValidationInfo) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes: must hold openid")
        context = info.context or {}
        if not context.get("public_url"):
            raise ValueError("needs PHASELINE_PUBLIC_URL, the address that the provider sends people back to")
        if not context.get("has_provider_secret"):
            raise ValueError("needs PHASELINE_PROVIDER_SECRET, this server's client secret there")
        return self

    def identify(self, claims: Mapping[str, Any]) -> Identity:
        """Who somebody is of whom a verified ID token says this. Raises Unauthenticated, Forbidden."""
        name = self._name(claims)
        groups = self._groups(claims)
        mine = [mapped for mapped in self.roles if mapped.group in groups]
        if not mine:
            raise Forbidden(f"{name} is in no group that may use this server", claim=self.groups_claim)
        role = max((mapped.role for mapped in mine), key=lambda role: len(RIGHTS[role]))
        scopes = [mapped.environments for mapped in mine if mapped.role is role]
        return known(name, role, Proof.SIGN_IN, scope=_union(scopes))

    def _name(self, claims: Mapping[str, Any]) -> str:
        value = claims.get(self.name_claim)
        if not isinstance(value, str):
            raise Unauthenticated("the provider does not say what to call somebody", claim=self.name_claim)
        # Else somebody could have the address of another person written into an account of their own.
        if self.name_claim == "email" and claims.get("email_verified") is not True:
            raise Unauthenticated("the provider has not verified the email address", claim="email_verified")
        try:
            return _PREFIX + inputs.text(self.name_claim, value, inputs.ACTOR - len(_PREFIX))
        except BadUserInput as refusal:
            raise Unauthenticated(refusal.message, claim=self.name_claim) from None

    def _groups(self, claims: Mapping[str, Any]) -> set[str]:
        value = claims.get(self.groups_claim, [])
        found = [value] if isinstance(value, str) else value
        return {group for group in found if isinstance(group, str)} if isinstance(found, list) else set()


def _union(scopes: list[frozenset[str] | None]) -> Environments:
    """What any of them allows; None: all environments."""
    named = [scope for scope in scopes if scope is not None]
    return Environments(frozenset().union(*named)) if len(named) == len(scopes) else EVERYWHERE
