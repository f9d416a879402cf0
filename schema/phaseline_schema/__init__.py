"""What things are: the transition graph, the fold, the tables, the GraphQL types. No I/O."""
