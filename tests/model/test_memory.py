import subprocess
import sys

import pytest

SAY = "import os; from model.memory import keep_freed_memory as keep; keep(); keep(); print(os.environ.get({name!r}))"


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of glibc")
@pytest.mark.parametrize(("given", "kept"), [({}, "536870912"), ({"MALLOC_TRIM_THRESHOLD_": "1"}, "1")])
def test_processes_started_later_keep_freed_memory_unless_told_otherwise(given, kept):
    code = SAY.format(name="MALLOC_TRIM_THRESHOLD_")
    done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == kept
