"""Lend dependencies to another environment: `lend.py SITE_PACKAGES [REQUIREMENT...]`.

It links into that environment what its packages declare, and what the further requirements name,
from the environment that runs it. Nothing else of this environment can be imported there.
"""

import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def required(of: Distribution, extras: set[str]) -> Iterator[Requirement]:
    """Yield what a distribution declares, by itself and for extras."""
    for each in map(Requirement, of.requires or ()):
        if each.marker is None or any(each.marker.evaluate({"extra": e}) for e in ("", *extras)):
            yield each


def closure(requirements: list[Requirement], there: set[str]) -> dict[str, Distribution]:
    """Return the distributions that requirements need and that are not there, by name."""
    found: dict[str, Distribution] = {}
    seen: set[str] = set()
    while requirements:
        each = requirements.pop()
        name = canonicalize_name(each.name)
        if name not in there and str(each) not in seen:
            seen.add(str(each))
            found[name] = distribution(name)
            requirements += required(found[name], each.extras)
    return found


def lend(lent: Distribution, site: Path) -> None:
    """Link the files and folders of a distribution."""
    for top in {file.parts[0] for file in lent.files or ()} - {"..", "__pycache__"}:
        if not (site / top).exists():
            (site / top).symlink_to(Path(str(lent.locate_file(top))))


def main(site: str, *named: str) -> None:
    """Lend what is required."""
    there = [*distributions(path=[site])]
    requirements = [Requirement(each) for each in named]
    requirements += [each for own in there for each in required(own, set())]
    names = {canonicalize_name(own.name) for own in there}
    found = closure(requirements, names)
    for lent in found.values():
        lend(lent, Path(site))
    print("lent:", *sorted(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
