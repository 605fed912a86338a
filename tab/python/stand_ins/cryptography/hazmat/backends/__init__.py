"""The backend does the work: Go's own packages."""


def default_backend() -> None:
    """Return None: there is only one."""
