"""scikit-learn's own MLP tests, from the installed package, run on our classes.

The module is imported anew with ``MLPClassifier`` and ``MLPRegressor`` swapped, and
its tests become tests of this module. Six read or set private attributes that we
have no use for.
"""

import importlib.util
import types

import pytest
import sklearn.neural_network

from sklearn_backprop import BackpropClassifier, BackpropRegressor

PRIVATE = {
    "test_fit": "sets _coef_grads and the other parts of a fitted state by hand",
    "test_gradient": "calls _loss_grad_lbfgs",
    "test_learning_rate_warmstart": "reads _optimizer",
    "test_adaptive_learning_rate": "reads _optimizer",
    "test_n_iter_no_change": "reads _no_improvement_count",
    "test_n_iter_no_change_inf": "reads _no_improvement_count",
}

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs to check


def with_sklearn_defaults(cls, name):
    """Return a subclass whose defaults are those of scikit-learn."""
    init = cls.__init__
    copy = types.FunctionType(init.__code__, init.__globals__, "__init__")
    copy.__kwdefaults__ = init.__kwdefaults__ | {"standardize": False, "scoring": None}
    copy.__defaults__ = init.__defaults__
    return type(name, (cls,), {"__init__": copy, "__module__": __name__})


# at module level under their own names, for pickle finds classes so
MLPClassifier = with_sklearn_defaults(BackpropClassifier, "MLPClassifier")
MLPRegressor = with_sklearn_defaults(BackpropRegressor, "MLPRegressor")


def own_tests():
    module = "sklearn.neural_network.tests.test_mlp"
    spec = importlib.util.find_spec(module)
    with pytest.MonkeyPatch.context() as patch:
        for cls in (MLPClassifier, MLPRegressor):
            patch.setattr(sklearn.neural_network, cls.__name__, cls)
        tests = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(tests)
    return {name: test for name, test in vars(tests).items() if name.startswith("test_")}


for _name, _test in own_tests().items():
    if _name in PRIVATE:
        _test = pytest.mark.skip(reason=PRIVATE[_name])(_test)
    globals()[_name] = _test
