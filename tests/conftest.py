"""Fixtures that tests share."""

import pytest

from sklearn_backprop._stacks import turns


@pytest.fixture
def global_random_seed():
    """Seed of scikit-learn's own test modules, which take it from their conftest."""
    return 42


@pytest.fixture
def stacks(monkeypatch):
    """Return a list to which the number of networks of each stack is added."""
    sizes = []
    original = turns.epochs_together

    def counted(members, *args, **kwargs):
        sizes.append(len(members))
        return original(members, *args, **kwargs)

    monkeypatch.setattr(turns, "epochs_together", counted)
    return sizes
