"""Faults, seeded: nodes on one database, callers and viewers, and everything that can go wrong between them.

A run carries out a plan of faults, which is a function of its seed alone (`plan`), while `callers` report and
`viewers` follow. When all is well again, `oracle` holds what they were told against the log.
"""
