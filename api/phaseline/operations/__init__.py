"""The GraphQL operations: each takes its input apart, calls one verb, and returns a type."""
