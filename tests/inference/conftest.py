"""One thread per library: what runs in an engine child runs so here."""

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
