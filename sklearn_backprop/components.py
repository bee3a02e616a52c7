"""What activations, losses, optimizers, schedules and initializers have in common.

A component is configuration and nothing else: constructor arguments, no state.
So one instance can serve many networks, and scikit-learn's ``clone``, ``repr``
and nested ``set_params(solver__weight_decay=0.02)`` work on it.
"""

from copyreg import __newobj__  # pyright: ignore[reportAttributeAccessIssue]
from functools import cache
from importlib import import_module

from sklearn.base import BaseEstimator

from ._numerics.plain import FORMAT, decode, encode

__all__ = ["Component", "restore"]


def public_path(cls):
    """Return where users import a class of this package from; None for any other class."""
    module = cls.__module__
    package = __name__.partition(".")[0]
    while module == package or module.startswith(package + "."):
        is_public = not any(part.startswith("_") for part in module.split("."))
        if is_public and getattr(import_module(module), cls.__name__, None) is cls:
            return f"{module}.{cls.__name__}"
        module = module.rpartition(".")[0]
    return None


class Lasting:
    """Mixin of all that is pickled: by its public name, with a plain state."""

    def __reduce__(self):
        """Name the class by where users import it from."""
        path = public_path(type(self))
        make = (__newobj__, (type(self),)) if path is None else (restore, (path,))
        return *make, self.__getstate__()

    def __getstate__(self):
        """Return the attributes as plain data, with the format's number."""
        attributes: dict = super().__getstate__()  # pyright: ignore[reportAssignmentType]
        return {name: encode(value) for name, value in attributes.items()} | {"_format": FORMAT}

    def __setstate__(self, state):
        """Restore the attributes."""
        found = state.get("_format", FORMAT)
        if found > FORMAT:
            raise ValueError(
                f"This pickle has the format {found}, from a later version of sklearn_backprop "
                f"than this one, which reads formats up to {FORMAT}. Upgrade to read it."
            )
        attributes = {name: decode(value) for name, value in state.items() if name != "_format"}
        super().__setstate__(attributes)  # pyright: ignore[reportAttributeAccessIssue]


def restore(path):
    """Return an object of a public class of this package, without a state yet.

    What a pickle calls first.

    Parameters
    ----------
    path : str
        Where users import the class from, such as ``"sklearn_backprop.losses.Huber"``.

    Returns
    -------
    object
        Its state is set next, by ``__setstate__``.
    """
    module, _, name = path.rpartition(".")
    return object.__new__(getattr(import_module(module), name))


class KnownParameters(Lasting, BaseEstimator):
    """An estimator that looks up the names of its parameters once: it takes 0.2 ms."""

    @classmethod
    @cache
    def _get_param_names(cls):
        """Return the names of the constructor's parameters."""
        return super()._get_param_names()


class Component(KnownParameters):
    """Base class of everything a network can be configured with.

    Attributes
    ----------
    name : str
        What a registry and a fitted attribute call it.
    known_as : str or None
        The name of the component of this package that it computes the same as; what a
        shortcut for that one may go by. A subclass keeps it unless it overrides something.
    works_on_stacks : bool
        Whether one instance serves a whole stack of networks, whose arrays have one more
        axis in front. A subclass keeps it unless it overrides something; a class that says
        ``works_on_stacks = True`` of itself trains in stacks.
    """

    name = None
    known_as = None
    works_on_stacks = False
    _parameter_constraints = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = cls.__dict__
        if "name" not in own:
            cls.name = cls.__name__
        if overridden(cls, Component) - HARMLESS:
            cls.known_as = own.get("known_as")
            cls.works_on_stacks = own.get("works_on_stacks", False)


HARMLESS = {
    "name",
    "known_as",
    "works_on_stacks",
    "_parameter_constraints",
    "__doc__",
    "__module__",
    "__annotations__",
    "__firstlineno__",
    "__static_attributes__",
    "__qualname__",
    "__dict__",
    "__weakref__",
    "__slots__",
    "__init_subclass__",
}
"""What a class may define without computing anything else than its parent."""


def overridden(cls, base):
    """Return the names that a class, or a mixin that it adds, takes from its parent.

    Parameters
    ----------
    cls : type
        The class.
    base : type
        Its parent is the first class after it that derives from this one.

    Returns
    -------
    set of str
        Names that the parent has too; what is only added is not among them.
    """
    parent = next(kind for kind in cls.__mro__[1:] if issubclass(kind, base))
    added = [kind for kind in cls.__mro__ if kind not in parent.__mro__]
    return {name for kind in added for name in vars(kind) if hasattr(parent, name)}


def registry(*components):
    """Return ``{name: class}``, the form in which a parameter knows its components.

    Tests over the registries hold each to working on stacks.
    """
    for component in components:
        component.known_as = component.name
        component.works_on_stacks = True
    return {component.name: component for component in components}


def lookup(parameter, value, known, flat_parameters=None):
    """Turn a component's name or instance into an instance.

    Parameters
    ----------
    parameter : str
        The parameter that ``value`` was given for, for the error message.
    value : str or Component
        A name in ``known``, or an instance, which is returned as it is.
    known : dict of str to type
        The registry.
    flat_parameters : dict, default=None
        Values for the constructor of a component given by name; those that it
        does not take are left out. An instance brings its own.

    Returns
    -------
    Component

    Raises
    ------
    ValueError
        If the name is unknown, or a constructor argument is out of range.
    TypeError
        If ``value`` is neither a name nor an instance.
    """
    if isinstance(value, str):
        if value not in known:
            names = ", ".join(repr(name) for name in known)
            raise ValueError(
                f"{parameter}={value!r} is not known. Known are {names}; "
                "an instance of a class of your own works too."
            )
        kind = known[value]
        given = flat_parameters or {}
        component = kind(**{k: given[k] for k in kind._get_param_names() if k in given})
    elif isinstance(value, Component):
        component = value
    else:
        raise TypeError(
            f"{parameter} must be a name or an instance, got {value!r}"
            + (": call the class to make an instance." if isinstance(value, type) else ".")
        )
    if component._parameter_constraints:
        component._validate_params()
    return component
