"""The model catalog and the store that fetches, checks and loads its files."""

if __name__ != "edgehands.models":
    raise ImportError(f"{__name__!r} is edgehands.models: import it by that name")
