"""Fixtures that tests share."""

import pytest

from sklearn_backprop._stacks import tasks as stacking


@pytest.fixture
def global_random_seed():
    """Seed of scikit-learn's own test modules, which take it from their conftest."""
    return 42


@pytest.fixture
def stacks(monkeypatch):
    """Return a list to which the number of networks of each stack is added."""
    sizes = []
    original = stacking.train_together

    def counted(fits, *args, **kwargs):
        sizes.append(len(fits))
        return original(fits, *args, **kwargs)

    monkeypatch.setattr(stacking, "train_together", counted)
    return sizes
