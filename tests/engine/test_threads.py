"""What the libraries of a child meet: one thread each, and a name to call themselves by."""

import json
import subprocess
import sys

from imaging.engine.spawning import ROOT, environment

ASK = """
import json
import cv2
import imaging.engine.infer_ops
import torch
print(json.dumps([cv2.getNumThreads(), torch.get_num_threads()]))
"""


def test_no_library_of_the_infer_child_brings_threads_of_its_own(tmp_path):
    found = subprocess.run(
        [sys.executable, "-P", "-c", ASK],
        env=environment(tmp_path), cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(found.stdout) == [1, 1]


def test_a_child_knows_its_name_without_the_list_of_users(tmp_path):
    """MONAI asks for it while it is imported; a held child may not read /etc/passwd."""
    ask = "import getpass, sys; sys.modules['pwd'] = None; print(getpass.getuser())"
    found = subprocess.run(
        [sys.executable, "-P", "-c", ask],
        env=environment(tmp_path), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout == "mediscan\n"
