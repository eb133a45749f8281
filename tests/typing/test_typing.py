"""The typed surface: `cases` are never run, but checked as strictly as the code itself."""

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.py"))


def check_types(path: Path) -> tuple[int, str]:
    root = HERE.parents[1]
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml"]
    done = subprocess.run(
        [*command, str(path)], cwd=root, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=[case.stem for case in CASES])
def test_what_authors_and_users_write_is_typed_as_they_expect(case: Path) -> None:
    assert check_types(case) == (0, "Success: no issues found in 1 source file\n")


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("assert_type(FloatAllele(0.5).with_latent(0.1), str)", "assert-type"),
        ("FloatAllele(0.5).with_latent(0.1)  # type: ignore[arg-type]", "unused-ignore"),
        ("Genome(genes=[])", "call-arg"),
    ],
)
def test_a_type_that_is_not_so_is_seen(tmp_path: Path, line: str, code: str) -> None:
    case = tmp_path / "case.py"
    imports = "from typing import assert_type\n\nfrom clantune_core import FloatAllele, Genome\n"
    case.write_text(f"{imports}\nprint(assert_type, FloatAllele, Genome)\n{line}\n")
    status, said = check_types(case)
    assert status == 1
    assert "case.py:6: error:" in said
    assert f"[{code}]" in said
