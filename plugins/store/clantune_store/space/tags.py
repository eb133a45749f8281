"""Tags by pattern: which inner algo uses all parameters whose name fits."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping

import attrs

from clantune_store.errors import LoadError
from clantune_store.space.declaration import Declaration
from clantune_store.space.trees import Tree

TAGS = "tag"
"""Key of the list of tags in a file of tables."""


@attrs.frozen
class Tag:
    """An algo, and the parameters that it uses.

    Attributes:
        pattern: Pattern of dotted names, such as `"entry.*"`.
        algo: Name of the algo.
        place: Where it stands.
    """

    pattern: str
    algo: str
    place: str


def read_tags(tree: Tree, tables: Iterable[Mapping[str, object]]) -> list[Tag]:
    """Return the tags of a file.

    Raises:
        LoadError: A table is not a pattern and an algo, as texts.
    """
    found = []
    for number, table in enumerate(tables):
        place = tree.place((TAGS, str(number), *[*table][:1]))
        pattern, algo = table.get("pattern"), table.get("algo")
        is_text = isinstance(pattern, str) and isinstance(algo, str) and bool(pattern and algo)
        if not is_text or len(table) != 2:
            raise LoadError(
                f'{place}: a tag has two texts: write pattern = "entry.*" and algo = "entry"'
            )
        found.append(Tag(str(pattern), str(algo), place))
    return found


def with_tags(declared: Mapping[str, Declaration], tags: Iterable[Tag]) -> dict[str, Declaration]:
    """Return declarations with the tags whose patterns fit their names.

    Raises:
        LoadError: A pattern fits no parameter.
    """
    made = dict(declared)
    for tag in tags:
        names = [n for n in made if fnmatch.fnmatchcase(n.replace("__", "."), tag.pattern)]
        if not names:
            raise LoadError(f"{tag.place}: the pattern {tag.pattern!r} fits no parameter")
        for name in names:
            both = (*made[name].tags, tag.algo)
            made[name] = attrs.evolve(made[name], tags=tuple(dict.fromkeys(both)))
    return made
