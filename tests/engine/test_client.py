"""A child may die, hang, lie or shout; its parent gets an answer or one plain sentence."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from imaging.engine.client import Engine, EngineDied, EngineFailed, EngineTimeout, infer_engine
from imaging.engine.protocol import ProtocolError
from imaging.engine.scratch import yards
from imaging.engine.spawning import ROOT
from imaging.types import InferenceError, Refused

pytestmark = pytest.mark.engine
FAKE = "tests.engine.fake_child"


@pytest.fixture
def engine():
    engine = Engine("infer", module=FAKE)
    yield engine
    engine.close()


@pytest.fixture
def decoder():
    engine = Engine("decode", module=FAKE)
    yield engine
    engine.close()


def is_gone(pid):
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def wait_until(true, seconds=10):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not true():
        time.sleep(0.02)
    return true()


def test_an_answer_comes_back_and_the_child_stays(engine):
    assert engine.call("echo", timeout_s=30, word="ä", list=[1, 2.5]) == {
        "word": "ä",
        "list": [1, 2.5],
    }
    first = engine.pid
    engine.call("echo", timeout_s=30)
    assert (engine.pid, engine.starts) == (first, 1)


def test_progress_is_heard_in_order(engine):
    heard = []
    engine.call("steps", timeout_s=30, count=3, on_progress=lambda *step: heard.append(step))
    assert heard == [("member", 0, 3), ("member", 1, 3), ("member", 2, 3)]


def test_silence_is_ticked_so_that_a_lease_can_be_renewed(engine):
    ticks = []
    engine.call("sleep", timeout_s=30, seconds=2.5, on_wait=lambda: ticks.append(1))
    assert len(ticks) == 2


def test_a_call_can_be_given_up_from_a_callback(engine):
    def give_up():
        raise InferenceError("Cancelled.")

    with pytest.raises(InferenceError, match="Cancelled"):
        engine.call("sleep", timeout_s=30, seconds=20, on_wait=give_up)
    assert not engine.is_alive
    assert engine.call("echo", timeout_s=30, n=1) == {"n": 1}


def test_a_deadline_ends_the_child_and_the_next_call_gets_a_new_one(engine):
    engine.start()
    pid = engine.pid
    with pytest.raises(EngineTimeout, match="took too long"):
        engine.call("sleep", timeout_s=0.5, seconds=60)
    assert is_gone(pid)
    assert engine.call("echo", timeout_s=30, n=1) == {"n": 1}
    assert engine.starts == 2


def test_a_kill_in_the_middle_of_a_call_is_one_sentence(engine):
    engine.start()
    pid = engine.pid
    threading.Timer(0.5, os.kill, (pid, signal.SIGKILL)).start()
    with pytest.raises(EngineDied) as caught:
        engine.call("sleep", timeout_s=30, seconds=20)
    assert str(caught.value) == (
        "The analysis process stopped unexpectedly (out of memory or a damaged file)."
    )
    assert engine.call("echo", timeout_s=30, n=1) == {"n": 1}


def test_another_thread_may_kill(engine):
    engine.start()
    threading.Timer(0.3, engine.kill).start()
    with pytest.raises(EngineDied):
        engine.call("sleep", timeout_s=30, seconds=20)


@pytest.mark.parametrize("way", ["die", "crash"])
def test_what_a_dying_decoder_said_of_the_file_is_not_logged(decoder, caplog, way):
    with caplog.at_level(logging.ERROR), pytest.raises(EngineDied, match="could not be read"):
        decoder.call(way, timeout_s=30)
    assert "decode engine ended" in caplog.text
    assert "Doe" not in caplog.text
    assert ("Fatal Python error: Segmentation fault" in caplog.text) == (way == "crash")


def test_the_last_words_of_an_inferring_child_are_logged(engine, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(EngineDied):
        engine.call("die", timeout_s=30)
    assert "exit 3" in caplog.text
    assert "Doe" in caplog.text


def test_a_chatty_library_neither_blocks_nor_forges_an_answer(engine):
    assert engine.call("shout", timeout_s=60, lines=20_000) == {"read": 0}


def test_a_memory_cap_refuses_the_file_and_spares_the_parent(decoder):
    with pytest.raises(Refused, match="needs more memory") as caught:
        decoder.call("hog", timeout_s=30, mib=2000)
    assert caught.value.code == "no-memory"
    assert decoder.call("echo", timeout_s=30, n=1) == {"n": 1}


def test_a_file_larger_than_its_cap_is_refused(engine):
    with pytest.raises(InferenceError, match="no room"):
        engine.call("fill", timeout_s=30, folder=str(yards()[0]), mib=2)
    assert engine.is_alive


def test_a_child_above_its_cap_is_replaced_between_calls(engine):
    engine.memory_mb = 100
    engine.call("keep", timeout_s=30, mib=150)
    assert engine.rss_mb() > 150
    engine.call("echo", timeout_s=30)
    assert engine.starts == 2
    assert 0 < engine.rss_mb() < 100


def test_expected_errors_keep_their_words(engine):
    with pytest.raises(Refused, match="That is odd") as caught:
        engine.call("refuse", timeout_s=30)
    assert caught.value.code == "odd"
    with pytest.raises(InferenceError, match="Model “a” does not fit"):
        engine.call("fail", timeout_s=30)
    assert engine.starts == 1


def test_an_unforeseen_error_of_an_analysis_is_logged_and_told_plainly(engine, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(EngineFailed, match="failed unexpectedly"):
        engine.call("stumble", timeout_s=30)
    assert "in stumble" in caplog.text
    assert "KeyError" in caplog.text


def test_an_unforeseen_error_of_a_decoder_is_a_refusal_and_quotes_nothing(decoder, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(Refused, match="may be damaged"):
        decoder.call("stumble", timeout_s=30)
    assert "KeyError" in caplog.text
    assert "Doe" not in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        '{"type":"answer","id":99,"value":{}}',
        '{"type":"answer","id":1,"value":[]}',
        '{"type":"progress","id":1,"stage":7,"done":"x","total":1}',
        '{"type":"answer","id":1,"value":{"x":NaN}}',
        "[" * 100_000,
    ],
    ids=["noise", "other id", "no object", "progress", "nan", "deep"],
)
def test_a_lying_child_is_ended(engine, line):
    with pytest.raises(EngineDied):
        engine.call("lie", timeout_s=20, line=line)
    assert not engine.is_alive


def test_a_line_without_end_is_cut_off(engine):
    with pytest.raises(EngineDied):
        engine.call("ramble", timeout_s=20)
    assert not engine.is_alive


def test_an_answer_that_json_cannot_hold_is_our_failure(engine, caplog):
    with caplog.at_level(logging.ERROR), pytest.raises(EngineFailed):
        engine.call("not_json", timeout_s=30)
    assert engine.is_alive


def test_a_request_too_long_is_the_callers_mistake(engine):
    with pytest.raises(ProtocolError):
        engine.call("echo", timeout_s=30, text="x" * (1 << 20))


def test_a_long_request_and_a_long_answer_pass_the_small_pipe(engine):
    text = "x" * 900_000
    assert engine.call("echo", timeout_s=30, text=text) == {"text": text}


def test_the_child_knows_nothing_of_its_parent(engine, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    here = engine.call("surroundings", timeout_s=30)
    assert set(here["environment"]) <= {
        *("PYTHONPATH", "PYTHONNOUSERSITE", "LC_ALL", "HOME", "USER", "TMPDIR", "XDG_CACHE_HOME"),
        *("KERAS_HOME", "KERAS_BACKEND", "CUDA_VISIBLE_DEVICES"),
        *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ORT_DISABLE_TELEMETRY"),
    }
    assert here["environment"]["CUDA_VISIBLE_DEVICES"] == "1"
    assert here["environment"]["USER"] == "mediscan"  # ours, whoever runs the worker
    assert here["environment"]["HOME"] == here["folder"]
    assert len(here["handles"]) <= 8
    assert (here["core"], here["open_files"], here["session"]) == (0, 256, True)
    assert "NoNewPrivs:\t1" in here["status"]


def test_the_child_sees_no_network_where_the_kernel_allows(engine):
    here = engine.call("surroundings", timeout_s=30)
    if not engine.hello["network_isolated"]:
        pytest.skip("this kernel grants no network namespace")
    assert "eth0" not in here["interfaces"]
    assert "CapEff:\t0000000000000000" in here["status"]


def test_processor_time_of_a_decoder_ends_with_its_deadline(decoder):
    decoder.start()
    pid = decoder.pid
    with pytest.raises((EngineDied, EngineTimeout)):
        decoder.call("burn", timeout_s=1)
    assert is_gone(pid)


def test_closing_removes_the_private_folder(engine):
    folder = engine.call("surroundings", timeout_s=30)["folder"]
    assert os.stat(folder).st_mode & 0o777 == 0o700
    engine.close()
    assert not os.path.exists(folder)
    engine.close()


def test_a_child_started_by_a_short_lived_thread_lives_on(engine):
    thread = threading.Thread(target=engine.start)
    thread.start()
    thread.join()
    time.sleep(0.3)
    assert engine.is_alive
    assert engine.call("echo", timeout_s=30, n=1) == {"n": 1}
    assert engine.starts == 1


def test_the_child_dies_with_its_parent():
    code = (
        "import os, signal, sys; from imaging.engine.client import Engine\n"
        f"engine = Engine('infer', module='{FAKE}'); engine.start()\n"
        "print(engine.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    parent = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert wait_until(lambda: is_gone(int(parent.stdout)))


def test_a_child_that_lost_its_parent_before_the_tie_ends_at_once():
    done = subprocess.run(
        [sys.executable, "-m", FAKE, "--infer", "--parent", "1"],
        cwd=ROOT, input=b"", capture_output=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"")


def test_one_inferring_engine_per_process_and_another_after_a_fork():
    mine = infer_engine()
    assert infer_engine() is mine
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writer, b"other" if infer_engine() is not mine else b"same")
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reader, 10) == b"other"


def test_a_fork_that_closes_its_parents_engine_harms_nobody(engine):
    folder = engine.call("surroundings", timeout_s=30)["folder"]
    pid = os.fork()
    if pid == 0:
        engine.close()
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.path.isdir(folder)
    assert engine.call("echo", timeout_s=30, n=1) == {"n": 1}
    assert engine.starts == 1
