"""The web process reads models as data: no numpy, no network library wakes."""

import subprocess
import sys

HEAVY = "{'numpy','torch','monai','cv2','scipy','onnxruntime','onnx','keras','h5py'}"


def test_metadata_ensembles_and_spec_are_stdlib_only():
    code = (
        "import imaging.inference.metadata, imaging.inference.ensembles, imaging.inference.spec\n"
        "import imaging.inference.devices, imaging.inference.model_files, sys\n"
        f"heavy = {HEAVY} & {{name.split('.')[0] for name in sys.modules}}\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
