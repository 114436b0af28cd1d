"""metadata.json as people write it: the requirement's own example, comments and all."""

from __future__ import annotations

import json

import pytest

from imaging.inference.comments import without_comments
from imaging.inference.errors import MetadataError
from imaging.inference.metadata import read_metadata

EXAMPLE = """{
  "name": "lung_disease_classifier",
  "type": "classification",        // classification, segmentation, detection
  "framework": "pytorch",          // pytorch, tensorflow, onnx
  "version": "1.0.0",
  "input_shape": [1, 3, 224, 224],
  "output_shape": [1, %d],
  "modality": "xray",              # xray, mri, ct
  "labels": {
    "0": "No Finding",
    "1": "Atelectasis",
    "2": "Cardiomegaly"%s
    // ... more labels
  },
  "preprocessing": {
    "normalize": true,             /* 0 to 1 */
    "target_size": [224, 224],
  }
}
"""
REST = "Effusion Infiltration Mass Nodule Pneumonia Pneumothorax Consolidation Edema Emphysema" \
       " Fibrosis Hernia"  # fmt: skip


def example(root, channels, more=""):
    folder = root / "lung_disease_classifier"
    folder.mkdir()
    (folder / "metadata.json").write_text(EXAMPLE % (channels, more))
    return folder


def test_the_example_of_the_requirement_is_taken_word_for_word(tmp_path):
    more = "".join(f',\n    "{n}": "{name}"' for n, name in enumerate(REST.split()[:11], start=3))
    found = read_metadata(example(tmp_path, 14, more))
    assert (found.name, found.type, found.framework) == (
        "lung_disease_classifier", "classification", "pytorch",
    )  # fmt: skip
    assert (found.normalize, found.target_size) == (True, (224, 224))
    assert len(found.labels) == 14


def test_its_excerpt_of_labels_is_refused_with_both_numbers(tmp_path):
    with pytest.raises(MetadataError, match="3 names, but output_shape has 14 channels"):
        read_metadata(example(tmp_path, 14))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "http://x // y # z /* */"}', {"a": "http://x // y # z /* */"}),
        ('{"a": 1, // one\n "b": [1, 2, /* two */ ],}', {"a": 1, "b": [1, 2]}),
        ('{"a": "say \\"hi\\" // no", # yes\n}', {"a": 'say "hi" // no'}),
        ('{"a": ",]"}', {"a": ",]"}),
        ('{"a": 1, // the last\n}', {"a": 1}),
    ],
)
def test_only_comments_and_trailing_commas_go(text, value):
    assert json.loads(without_comments(text)) == value


@pytest.mark.parametrize("text", ['{"a": 1,, "b": 2}', '{"a" 1}', "{,}x", '{"a": "b}'])
def test_what_is_wrong_stays_wrong(text):
    with pytest.raises(ValueError, match=r"."):
        json.loads(without_comments(text))
