"""Hostile model files, made here: none of them is ever opened by anything but the house."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Iterator

# what known payloads call, by way of a pickle's GLOBAL; the argument touches the canary
CALLS = """
os.system posix.system nt.system os.popen os.execv os.spawnl os.remove os.putenv
subprocess.Popen subprocess.call subprocess.check_output subprocess.run subprocess.getoutput
builtins.eval builtins.exec builtins.compile builtins.__import__ builtins.getattr builtins.open
builtins.globals builtins.apply builtins.breakpoint __builtin__.eval __builtin__.execfile
pickle.loads pickle.load _pickle.loads _pickle.Unpickler cloudpickle.loads dill.loads joblib.load
torch.load torch.serialization.load torch.storage._load_from_bytes torch.jit.load torch.hub.load
torch.ops.load_library torch.classes.load_library torch.utils.cpp_extension.load_inline
torch.fx.graph_module.reduce_graph_module torch.utils.collect_env.run torch._C._load_for_lite
torch.distributed.rpc.internal._run_function torch.package.package_importer.PackageImporter
torch._dynamo.guards.GuardBuilder.get torch.utils._config_module.load_config
torch._inductor.codecache.compile_file torch.multiprocessing.spawn torch.export.load
numpy.load numpy.testing._private.utils.runstring numpy.ctypeslib.load_library numpy.fromfile
pandas.read_pickle pandas.eval monai.bundle.scripts.run monai.apps.utils.download_url
monai.utils.module.run_eval monai.data.utils.pickle_hashing
runpy.run_path runpy._run_code timeit.timeit cProfile.run profile.run pdb.run bdb.Bdb.run
code.interact trace.Trace.run doctest.debug_script ensurepip._run_pip pip.main pip._internal.main
importlib.import_module importlib.machinery.SourceFileLoader zipimport.zipimporter ctypes.CDLL
marshal.loads types.FunctionType types.CodeType operator.attrgetter operator.methodcaller
functools.partial functools.reduce itertools.starmap _io.FileIO io.open codecs.open shutil.rmtree
webbrowser.open socket.create_connection urllib.request.urlopen http.client.HTTPSConnection
smtplib.SMTP ftplib.FTP requests.get multiprocessing.util.spawnv_passfds logging.config.dictConfig
uuid._get_command_stdout distutils.spawn.spawn idlelib.run.Executive asyncio.create_subprocess_shell
linecache.getline commands.getoutput pty.spawn platform.popen tempfile.mktemp sys.setprofile
collections.OrderedDict.__init__.__globals__ torch.nn.modules.linear.torch.load
torch.nn.modules.module.Module.__reduce__ monai.networks.nets.unet.warnings.sys.modules
torch.nn.modules.container.operator.attrgetter tests.inference.conversion.test_converting._Own
"""


def calls() -> Iterator[tuple[str, str]]:
    """Yield module and name of each call; the last part is the name."""
    for dotted in CALLS.split():
        module, _, name = dotted.rpartition(".")
        yield module, name


def by_global(module: str, name: str, argument: str) -> bytes:
    """Protocol 2, as torch.save writes: GLOBAL, one text, REDUCE."""
    text = argument.encode()
    head = b"\x80\x02c" + f"{module}\n{name}\n".encode()
    return head + b"X" + struct.pack("<I", len(text)) + text + b"\x85R."


def by_stack(module: str, name: str, argument: str) -> bytes:
    """Protocol 4: the names come from the stack, where a plain search does not find them."""
    parts = b"".join(b"\x8c" + bytes([len(one)]) + one.encode() for one in (module, name))
    return b"\x80\x04" + parts + b"\x93" + b"X" + _text(argument) + b"\x85R."


def by_instance(module: str, name: str, argument: str) -> bytes:
    """Protocol 0: INST calls at once."""
    return b"(" + b"V" + argument.encode() + b"\ni" + f"{module}\n{name}\n".encode() + b"."


def by_object(module: str, name: str, argument: str) -> bytes:
    return b"\x80\x02(c" + f"{module}\n{name}\n".encode() + b"X" + _text(argument) + b"o."


def broken_after(payload: bytes) -> bytes:
    """The call stands first, then the stream breaks: scanners that need the whole see nothing."""
    return payload[:-1] + b"\xff\xff"


def in_a_state_dict(payload: bytes) -> bytes:
    """A dictionary of plain values with the call among them."""
    inner = payload[2:-1]
    return b"\x80\x02}q\x00(X\x06\x00\x00\x00weightK\x01X\x04\x00\x00\x00bias" + inner + b"u."


def by_extension() -> bytes:
    return b"\x80\x02\x82\x01."


def nested(argument: str) -> bytes:
    """A pickle that carries a pickle as bytes, for whoever would load it again."""
    inner = by_global("posix", "system", argument)
    return pickle.dumps({"inner": inner}, 2)


def torch_zip(data: bytes, **more: bytes) -> bytes:
    """The archive that torch.save writes, around any pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", data)
        archive.writestr("archive/version", "3\n")
        for name, content in more.items():
            archive.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def legacy(data: bytes) -> bytes:
    """The format before archives: magic number, protocol, facts, then the object."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True, "type_sizes": {}}]
    return b"".join(pickle.dumps(one, 2) for one in head) + data + pickle.dumps([], 2)


def keras_config(layer: dict, **more) -> bytes:
    """A .keras whose one layer is `layer`."""
    first = {
        "module": "keras.layers", "class_name": "InputLayer",
        "config": {"batch_shape": [None, 16, 16, 1], "name": "in"}, "inbound_nodes": [],
        "registered_name": None,
    }  # fmt: skip
    call = {"class_name": "__keras_tensor__", "config": {
        "shape": [None, 16, 16, 1], "dtype": "float32", "keras_history": ["in", 0, 0]}}  # fmt: skip
    layer = {"module": "keras.layers", "registered_name": None,
             "inbound_nodes": [{"args": [call], "kwargs": {}}], **layer}  # fmt: skip
    config = {
        "module": "keras.src.models.functional", "class_name": "Functional",
        "config": {
            "name": "m", "layers": [first, layer], "input_layers": [["in", 0, 0]],
            "output_layers": [[layer["config"]["name"], 0, 0]],
        },
        "registered_name": "Functional", **more,
    }  # fmt: skip
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", empty_h5())
    return buffer.getvalue()


def empty_h5() -> bytes:
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w"):
        pass
    return buffer.getvalue()


def _text(argument: str) -> bytes:
    data = argument.encode()
    return struct.pack("<I", len(data)) + data
