"""The pages in `docs` say what the code does: they cannot go stale."""

import subprocess
import sys

from tests.pipelines.conftest import ROOT

DOCS = ROOT / "docs"


def test_the_page_of_faults_is_that_of_the_tests():
    """`make fault-matrix` writes it anew."""
    command = [sys.executable, "-m", "tests.fault_matrix", "--collect-only", "-qq"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert (DOCS / "faults.md").read_text(encoding="utf-8") == done.stdout
