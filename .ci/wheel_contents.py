"""Compare wheels with the files of the repository: `wheel_contents.py WHEELS SOURCE...`.

Every tracked file of a package must be in the wheel of its distribution.
"""

import subprocess
import sys
import zipfile
from pathlib import Path


def packaged(wheels: Path) -> set[str]:
    """Return the files that all wheels install."""
    return {name for wheel in wheels.glob("*.whl") for name in zipfile.ZipFile(wheel).namelist()}


def tracked(source: Path) -> set[str]:
    """Return the tracked files of the packages that lie in the folder of a distribution."""
    command = ["git", "ls-files", "-z", "."]
    listed = subprocess.run(  # noqa: S603  (the arguments are ours)
        command, cwd=source, capture_output=True, text=True, check=True
    )
    packages = {each.parent.name for each in source.glob("*/__init__.py")}
    files = listed.stdout.split("\0")
    return {name for name in files if name.partition("/")[0] in packages}


def main(wheels: str, *sources: str) -> None:
    """Exit with an error that names the files that no wheel has."""
    wanted = {source: tracked(Path(source)) for source in sources}
    found = packaged(Path(wheels))
    missing = [f"{source}: {name}" for source, names in wanted.items() for name in names - found]
    empty = [source for source, names in wanted.items() if not names]
    if missing or empty:
        sys.exit("\n".join(["missing in the wheels:", *sorted(missing), *empty]))
    print(f"{sum(map(len, wanted.values()))} files are in the wheels")


if __name__ == "__main__":
    main(*sys.argv[1:])
