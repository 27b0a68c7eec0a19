"""Statistics of real samples, taken once while the samples stay the same."""

import collections
import functools
import hashlib

import numpy as np

ENTRIES = 6


def remembered(function):
    """A function of an array that knows its values for the last few arrays.

    They are known by content: the same numbers in another array count as the
    same. It is for functions that cost far more than a hash of the array.

    Args:
        function: called as `function(x, *arguments)`, x a NumPy array, the
            rest hashable; gives what nobody changes.

    Returns:
        The function; its attribute `known` is the dictionary of values.

    Example:
    >>> @remembered
    ... def total(x):
    ...     print("summing")
    ...     return float(x.sum())
    >>> total(np.ones(3)) + total(np.ones(3))
    summing
    6.0
    """
    known = collections.OrderedDict()

    @functools.wraps(function)
    def wrapper(x, *arguments):
        content = hashlib.sha256(np.ascontiguousarray(x)).digest()
        key = content, x.shape, x.dtype.str, arguments
        if key not in known:
            known[key] = function(x, *arguments)
        known.move_to_end(key)
        while len(known) > ENTRIES:
            known.popitem(last=False)
        return known[key]

    wrapper.known = known
    return wrapper
