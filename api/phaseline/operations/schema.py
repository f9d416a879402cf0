"""The GraphQL schema, and the limits of what one document may ask for."""

from datetime import datetime

import strawberry
from strawberry.extensions import (
    MaxAliasesLimiter,
    MaxTokensLimiter,
    ParserCache,
    QueryDepthLimiter,
    ValidationCache,
)
from strawberry.schema.config import StrawberryConfig

from phaseline.operations.errors import ErrorCodes
from phaseline.operations.mutation import Mutation
from phaseline.operations.query import Query
from phaseline.operations.subscription import Subscription
from phaseline_schema.types.scalars import DATE_TIME

# Generous against what tools ask for; the introspection query has depth 14 and 300 tokens or so.
_DEPTH = 12
_TOKENS = 2000
_ALIASES = 30
_CACHED_DOCUMENTS = 200

SCHEMA = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map={datetime: DATE_TIME}),
    extensions=[
        ErrorCodes,
        lambda: MaxTokensLimiter(max_token_count=_TOKENS),
        lambda: QueryDepthLimiter(max_depth=_DEPTH),
        lambda: MaxAliasesLimiter(max_alias_count=_ALIASES),
        lambda: ParserCache(maxsize=_CACHED_DOCUMENTS),
        lambda: ValidationCache(maxsize=_CACHED_DOCUMENTS),
    ],
)
