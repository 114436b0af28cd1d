"""sync_models --check names what differs and changes nothing."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from imaging.models import ModelVersion
from imaging.registry import models_sync
from imaging.registry.looking import models_compare
from imaging.registry.store import folder_of
from imaging.registry.taking import Sent, model_take
from tests.registry.sent import places, sent_folder

pytestmark = pytest.mark.django_db
__all__ = ["places"]


def kinds() -> list[tuple[str, str]]:
    return [(one.kind, one.model) for one in models_compare()]


def in_models(places, settings, name="mine", **changes):
    return sent_folder(places, name, **changes).rename(settings.MODELS_DIR / name)


def test_new_then_in_line_then_changed_then_missing(places, settings):
    folder = in_models(places, settings)
    assert kinds() == [("new", "mine 1.0.0")]
    models_sync()
    assert kinds() == []
    (folder / "model.onnx").write_bytes(b"other")
    assert kinds() == [("changed", "mine 1.0.0")]
    (folder / "metadata.json").write_text("{")
    assert ("broken", "mine") in kinds()
    (folder / "metadata.json").unlink()
    assert kinds() == [("missing", "mine 1.0.0")]


def test_another_version_in_the_folder_is_new_and_the_old_one_missing(places, settings):
    folder = in_models(places, settings)
    models_sync()
    text = (folder / "metadata.json").read_text()
    (folder / "metadata.json").write_text(text.replace('"1.0.0"', '"1.1.0"'))
    assert kinds() == [("new", "mine 1.1.0"), ("missing", "mine 1.0.0")]


def test_what_was_taken_in_is_looked_at_as_well(places):
    model = model_take(Sent(sent_folder(places)))
    assert kinds() == []
    path = folder_of(model) / "model.onnx"
    path.chmod(0o600)
    path.write_bytes(b"other")
    assert kinds() == [("changed", "mine 1.0.0")]


def test_the_command_says_it_and_changes_nothing(places, settings):
    in_models(places, settings)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 differences"):
        call_command("sync_models", "--check", stdout=out)
    assert "new: mine 1.0.0" in out.getvalue()
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("sync_models", "--check", "--json", stdout=out)
    (one,) = json.loads(out.getvalue())["differences"]
    assert (one["kind"], one["model"]) == ("new", "mine 1.0.0")
    assert not ModelVersion.objects.exists()
    out = io.StringIO()
    call_command("sync_models", "--json", stdout=out)
    assert json.loads(out.getvalue()) == {
        "active": [],
        "problems": [],
        "ensembles": [],
    }
    call_command("sync_models", "--check", stdout=out)
    assert "agree" in out.getvalue()
