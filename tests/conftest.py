"""Fixtures that tests share."""

import pytest


@pytest.fixture
def global_random_seed():
    """Seed of scikit-learn's own test modules, which take it from their conftest."""
    return 42
