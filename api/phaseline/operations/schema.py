"""The GraphQL schema with its operations, and what goes on around each."""

from datetime import datetime

import strawberry
from strawberry.schema.config import StrawberryConfig

from phaseline.operations.documents import DocumentLimits
from phaseline.operations.errors import ErrorCodes
from phaseline.operations.mutation import Mutation
from phaseline.operations.proofs import Proofs
from phaseline.operations.query import Query
from phaseline.operations.rates import CostRates, RateLimits
from phaseline.operations.reading import Reading
from phaseline.operations.rights import Rights
from phaseline.operations.subscription import Subscription
from phaseline_schema.types.scalars import DATE_TIME

SCHEMA = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map={datetime: DATE_TIME}),
    extensions=[ErrorCodes, RateLimits, DocumentLimits, Proofs, Rights, CostRates, Reading],
)
