"""A service that runs for an hour while somebody breaks things around it."""
