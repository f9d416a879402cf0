"""The GraphQL schema with its operations, and what goes on around each."""

from datetime import datetime

from strawberry.schema.config import StrawberryConfig

from phaseline.operations.around import Guarded
from phaseline.operations.mutation import Mutation
from phaseline.operations.query import Query
from phaseline.operations.subscription import Subscription
from phaseline_schema.types.scalars import DATE_TIME

SCHEMA = Guarded(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map={datetime: DATE_TIME}),
)
