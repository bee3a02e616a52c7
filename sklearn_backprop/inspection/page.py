"""x."""


def write_page(record, path, title, max_bytes):
    """X."""
