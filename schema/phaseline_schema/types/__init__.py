"""The GraphQL types: what callers see, and how it is made from records."""
