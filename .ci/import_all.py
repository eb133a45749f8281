"""Import every module of the packages that are installed: `import_all.py PACKAGE...`.

It runs where only what the packages ask for is installed, so it finds a dependency that is not
declared. A module may need what an extra installs.
"""

import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib.metadata import distributions


def modules(package: str) -> Iterator[str]:
    """Yield the names of a package and of all that is in it, without commands."""
    yield package
    paths = importlib.import_module(package).__path__
    for each in pkgutil.walk_packages(paths, f"{package}.", onerror=lambda _: None):
        if not each.name.endswith(".__main__"):
            yield each.name


def of_extras() -> set[str]:
    """Return the packages that extras of our distributions install."""
    ours = [each for each in distributions() if each.name.startswith("clantune")]
    lines = [line for each in ours for line in each.requires or () if "extra ==" in line]
    return {re.split(r"[^\w-]", line)[0].replace("-", "_") for line in lines}


def main(*packages: str) -> None:
    """Import all modules; exit with an error that names those that cannot be imported."""
    optional, problems, imported, left_out = of_extras(), [], 0, 0
    for name in (name for package in packages for name in modules(package)):
        try:
            importlib.import_module(name)
            imported += 1
        except ImportError as error:
            missing = error.__cause__ if isinstance(error.__cause__, ImportError) else error
            if (missing.name or "").partition(".")[0] in optional:
                left_out += 1
            else:
                problems.append(f"{name}: {error}")
    if problems:
        sys.exit("\n".join(problems))
    print(f"{imported} modules are imported; {left_out} need an extra")


if __name__ == "__main__":
    main(*sys.argv[1:])
