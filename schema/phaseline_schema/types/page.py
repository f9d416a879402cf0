"""Where a page of a list stands."""

from typing import Self

import strawberry

from phaseline_schema.records import DeployRecord, EntryRecord
from phaseline_schema.types.reader import Page


@strawberry.type(description="Where a page stands among the others.")
class PageInfo:
    """As in the GraphQL cursor connections specification."""

    has_next_page: bool = strawberry.field(description="Whether more follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether any come before this page.")
    start_cursor: str | None = strawberry.field(description="The cursor of the page's first edge.")
    end_cursor: str | None = strawberry.field(description="The cursor of the page's last edge.")

    @classmethod
    def of(cls, page: Page[DeployRecord] | Page[EntryRecord]) -> Self:
        """What a page of records says of itself."""
        return cls(
            has_next_page=page.has_next,
            has_previous_page=page.has_previous,
            start_cursor=page.rows[0][0] if page.rows else None,
            end_cursor=page.rows[-1][0] if page.rows else None,
        )
