"""Damage a delivery in any place, as hypothesis draws it."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Path = tuple[Any, ...]
"""The keys and indexes that lead to a part of a JSON value."""

NASTY = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]), st.just({}),
    st.just([None]), st.just({"x": [1]}), st.just("\x00\ud800"), st.just(10**40),
)  # fmt: skip


def paths_of(node: Any, path: Path = ()) -> Iterator[Path]:
    """The path of every part of a JSON value, its own first."""
    yield path
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield from paths_of(child, (*path, key))


def damage(root: Any, path: Path, data: st.DataObject) -> None:
    """Drop, replace or double what is at this path."""
    *way, last = path
    node = root
    for step in way:
        node = node[step]
    action = data.draw(st.sampled_from(["drop", "replace", "double"]))
    if action == "replace":
        node[last] = copy.deepcopy(data.draw(NASTY))
    elif action == "double":
        if isinstance(node, list):
            node.insert(last, copy.deepcopy(node[last]))
        else:
            node[f"{last}2"] = node[last]
    else:
        del node[last]
