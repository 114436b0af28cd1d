"""One thread per child: cores are shared out by the number of workers, not by libraries."""

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
