"""Objects as plain data, so that a pickle outlives a move of the code.

A pickle of this package holds public names, arrays, and for each of the house's own objects
a dict of its attributes beside a name that stays: what the object is called here, not where
its class lives.
"""

FORMAT = 1
"""Of the state of a pickle. To be raised when an older one needs to be read in another way."""

KIND = "__kind__"
KINDS = {}
NAMES = {}


def plain(name):
    """Return a decorator that gives a class of the house a name for pickles, for ever."""

    def decorate(cls):
        KINDS[name], NAMES[cls] = cls, name
        return cls

    return decorate


def encode(value):
    """Return a value with the house's objects as dicts; containers are copied only if need be."""
    if type(value) in NAMES:
        state = value.__getstate__() if hasattr(type(value), "__setstate__") else vars(value)
        return {KIND: NAMES[type(value)]} | {k: encode(v) for k, v in state.items()}
    return _each(encode, value)


def decode(value):
    """Return a value with the objects that ``encode`` made dicts of."""
    if not (isinstance(value, dict) and KIND in value):
        return _each(decode, value)
    cls = KINDS[value[KIND]]
    state = {name: decode(v) for name, v in value.items() if name != KIND}
    restored = object.__new__(cls)
    if hasattr(cls, "__setstate__"):
        restored.__setstate__(state)
    else:
        restored.__dict__.update(state)
    return restored


def _each(function, value):
    """Apply a function to what is in a plain container; return the container if nothing changes.

    Then lists that are shared go on to be shared.
    """
    if type(value) is dict:
        changed = {name: function(each) for name, each in value.items()}
        same = all(changed[name] is each for name, each in value.items())
    elif type(value) in (list, tuple):
        changed = type(value)(function(each) for each in value)
        same = all(one is other for one, other in zip(changed, value, strict=True))
    else:
        return value
    return value if same else changed
