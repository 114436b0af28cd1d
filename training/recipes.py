"""Says of each further starter ensemble what the registry and a reader must know (INTEROP §1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from imaging.measures.severity import WHOLE_IMAGE, Rule
from training import ct_lungs, hippocampus, tuberculosis, tumour

NOT_DIAGNOSTIC = "Not for diagnostic use."


@dataclass(frozen=True, slots=True)
class Recipe:
    """What the members of one ensemble share.

    metadata   keys of metadata.json beside name, framework, shapes, network, card and sha256.
    grid       the network's grid; outputs: channels that it answers on it, or numbers in all.
    validate   arguments of `manage.py validate` beside the ensemble and the two folders.
    """

    title: str
    metadata: dict[str, Any]
    grid: tuple[int, ...]
    outputs: int
    intended_use: str
    training_data: str
    limitations: str
    licence: str = "MIT"  # but of what begins with photographs, see starter_cards.licence_of
    validate: tuple[str, ...] = ()
    reads: str = ""
    citation: str = ""
    measured: str = ""
    warning: str = ""
    weights: dict[str, float] = field(default_factory=dict)  # in the ensemble; 1 where not named
    threshold: float = 0.5
    tuned: str = ""  # how the weights and the threshold of the ensemble were chosen


_HIPPOCAMPUS = Recipe(
    title="Hippocampus in 3-D MRI",
    metadata={
        "type": "segmentation",
        "modality": "mri",
        "labels": {"0": "background", "1": hippocampus.LABELS[0], "2": hippocampus.LABELS[1]},
        "preprocessing": {"normalize": False, "target_size": list(hippocampus.GRID)},
        "activation": "softmax",
        "channels": 1,
        "intensity": hippocampus.INTENSITY,
        "orientation": "RAS",
        "spacing": [1.0, 1.0, 1.0],
        "tiling": {"roi_size": list(hippocampus.GRID), "overlap": 0.25},
        "threshold": 0.5,
        "postprocess": [{"op": "largest_components", "count": 1}],
        "tta": ["identity", "flip_z"],
        "gate": {"min_side": 20, "body_part": ["HEAD", "BRAIN", "HIPPOCAMPUS"]},
        # a crop inside the head has no foreground: shares are of the whole of it, the cuts default
        "severity": Rule.default(WHOLE_IMAGE).to_json(),
    },
    grid=hippocampus.GRID,
    outputs=3,
    intended_use="Research and teaching: the anterior and posterior hippocampus in a T1 crop round "
    f"one hippocampus. {NOT_DIAGNOSTIC}",
    training_data="Medical Segmentation Decathlon, Task04 Hippocampus (CC BY-SA 4.0): 176 crops to "
    "train, 22 to choose, 22 to test.",
    limitations="Needs a crop of about 35 × 51 × 35 mm round one hippocampus, as the set has it; a "
    "whole head is another picture to it. Adults; T1-weighted; 1 mm.",
    licence="CC-BY-SA-4.0",
    validate=(
        *("--modality", "mri", "--labels"),
        *(f"{label}={value}" for value, label in enumerate(hippocampus.LABELS, start=1)),
    ),
    reads="One T1 crop with its sides and voxel size (NIfTI or DICOM). It is turned to right, "
    "anterior, superior, brought to 1 mm, given zero mean and unit variance, and laid on 48 × "
    "64 × 48 "
    "voxels with zeros around. The network returns three logits per voxel (softmax); of each part "
    "the largest component is kept.",
    citation="A. L. Simpson et al., “A large annotated medical image dataset for the "
    "development and "
    "evaluation of segmentation algorithms”, arXiv:1902.09063, 2019; M. Antonelli et al., “The "
    "Medical Segmentation Decathlon”, Nature Communications 13, 2022.",
    measured="Dice on the grid of the image",
)

_TUMOUR_DATA = (
    "Brain tumour set of Cheng et al. (figshare 1512427, CC BY 4.0): 861 T1 post-contrast "
    "slices to "
    "train, 234 to choose, 234 to test, in blocks that keep neighbours together."
)
_TUMOUR_LIMITS = (
    "Single slices of T1 post-contrast MRI with one meningioma, glioma or pituitary tumour; every "
    "training slice holds a tumour, so a slice without one may still be marked. Metastases, "
    "oedema, "
    "children and other sequences are untried."
)
_TUMOUR_CITATION = (
    "J. Cheng et al., “Enhanced performance of brain tumor classification via tumor region "
    "augmentation and partition”, PLoS ONE 10(10), 2015; data: figshare 1512427."
)

_TUMOUR = Recipe(
    title="Brain tumour on T1 post-contrast MRI, a demonstration",
    metadata={
        "type": "segmentation",
        "modality": "mri",
        "labels": {"0": "tumour"},
        "activation": "sigmoid",
        "channels": 1,
        "intensity": tumour.INTENSITY,
        "resize": "letterbox",
        "threshold": 0.5,
        "tta": ["identity", "flip_x"],
        "gate": {"body_part": ["HEAD", "BRAIN", "SKULL"]},
    },
    grid=(tumour.SIZE, tumour.SIZE),
    outputs=1,
    intended_use="Research and teaching: the enhancing tumour on one slice of a T1 post-contrast "
    f"brain MRI. {NOT_DIAGNOSTIC}",
    training_data=_TUMOUR_DATA,
    limitations=_TUMOUR_LIMITS,
    validate=("--modality", "mri"),
    reads="One grey slice, fitted into the network's square (target_size in metadata.json), "
    "clipped to its percentiles 1 "
    "and 99.5 and scaled to 0–1. The network returns one logit per pixel (sigmoid); the answers to "
    "the slice and to its mirror image are averaged.",
    citation=_TUMOUR_CITATION,
    measured="Dice on the grid of the image, 256 × 256",
    warning="A demonstration, not a tool: mean Dice 0.79 on test (median 0.87), and a few tumours "
    "are missed altogether.",
    # both on val, where nothing within 0.001 of them is better
    weights={"mri-brain-tumour-lite": 7, "mri-brain-tumour-deep": 2},
    tuned="The ensemble's weights (7 : 2 : 1) and threshold (0.35) were chosen on the 234 "
    "slices of val. `manage.py tune_ensemble --ensemble mri-brain-tumour` on val (Dice "
    "0.747) finds no weights that do better on slices which did not choose them: gain "
    "-0.004, 95 % interval -0.009 to -0.000.",
    threshold=0.35,
)

_BOXES = Recipe(
    title="Brain tumour boxes on T1 post-contrast MRI, a demonstration",
    metadata={
        "type": "detection",
        "modality": "mri",
        "labels": {"0": "tumour"},
        "preprocessing": {"normalize": True, "target_size": [tumour.SIZE, tumour.SIZE]},
        "activation": "none",
        "channels": 1,
        "intensity": tumour.INTENSITY,
        "resize": "letterbox",
        "thresholds": {"tumour": 0.3},
        "gate": {"body_part": ["HEAD", "BRAIN", "SKULL"]},
    },
    grid=(tumour.SIZE, tumour.SIZE),
    outputs=0,
    intended_use="Research and teaching: a box round the enhancing tumour on one slice of a T1 "
    f"post-contrast brain MRI. {NOT_DIAGNOSTIC}",
    training_data=f"{_TUMOUR_DATA} The boxes are those of the masks.",
    limitations=_TUMOUR_LIMITS,
    validate=("--modality", "mri"),
    reads=f"One grey slice, fitted into {tumour.SIZE} × {tumour.SIZE}, clipped to its "
    f"percentiles 1 "
    "and 99.5 and scaled to 0–1. The network answers with ten boxes (x0, y0, x1, y1 in px of its "
    "grid), their scores and label 0.",
    citation=_TUMOUR_CITATION,
    measured="Average precision at IoU 0.5 (AP50)",
    warning="The boxes fit loosely: AP50 0.66 on test, but 0.29 averaged over stricter overlaps. "
    "A demonstration, not a tool.",
)

_TUBERCULOSIS = Recipe(
    title="Tuberculosis on chest X-ray, a demonstration",
    metadata={
        "type": "classification",
        "modality": "xray",
        "labels": {"0": "tuberculosis"},
        "activation": "sigmoid",
        "channels": 1,
        "intensity": [
            {
                "op": "percentile",
                "low": tuberculosis.PERCENTILES[0],
                "high": tuberculosis.PERCENTILES[1],
            }
        ],
        "resize": "stretch",
        "gate": {"body_part": ["CHEST", "THORAX", "LUNG"]},
    },
    grid=(224, 224),
    outputs=1,
    intended_use="Research and teaching: how much a frontal chest X-ray looks like those that were "
    f"labelled tuberculosis in one hospital. {NOT_DIAGNOSTIC}",
    training_data="Shenzhen set (US National Library of Medicine; Jaeger 2014), 256 px: 289 "
    "radiographs to train, 60 to choose, 80 to test.",
    limitations="One hospital in training: at another it is weaker, see the figures for "
    "Montgomery. The labels are readings of whole films; other lung disease, children and bedside "
    "films are untried. It is no screening test.",
    validate=("--modality", "xray"),
    reads="One grey radiograph, stretched to the square above, clipped to its percentiles 1 and 99 "
    "and scaled to 0–1. The network returns one logit (sigmoid).",
    citation="S. Jaeger et al., “Two public chest X-ray datasets for computer-aided screening of "
    "pulmonary diseases”, Quantitative Imaging in Medicine and Surgery 4(6), 2014.",
    measured="Area under the ROC curve (AUROC)",
    weights={"xray-tuberculosis-lite": 2},  # 0.92 on val alone, the others 0.89 and 0.88
    tuned="The ensemble's weights (1 : 1 : 2) and threshold (0.238) were chosen on the 60 films "
    "of val. `manage.py tune_ensemble --ensemble xray-tuberculosis` on val (AUROC 0.920) "
    "finds no weights that do better on films which did not choose them: gain -0.018, 95 "
    "% interval -0.043 to 0.000.",
    warning="A demonstration, not a tool: AUROC 0.87 on eighty films of the hospital it learnt "
    "from. In another (Montgomery) it is 0.85, and the threshold calls more than half of the "
    "healthy there positive.",
)

_CT = Recipe(
    title="Lungs on CT, a demonstration",
    metadata={
        "type": "segmentation",
        "modality": "ct",
        "labels": {"0": "lungs"},
        "preprocessing": {"normalize": False, "target_size": list(ct_lungs.GRID)},
        "activation": "sigmoid",
        "channels": 1,
        "intensity": ct_lungs.INTENSITY,
        "orientation": "RAS",
        "spacing": [ct_lungs.SPACING] * 3,
        "tiling": {"roi_size": list(ct_lungs.GRID), "overlap": 0.25, "padding": "edge"},
        "threshold": 0.5,
        "gate": {"body_part": ["CHEST", "THORAX", "LUNG", "ABDOMEN"], "range": [-2000, 5000]},
    },
    grid=ct_lungs.GRID,
    outputs=1,
    intended_use="A demonstration of a 3-D model on CT, for teaching: it shows how the platform "
    f"works, not how good a lung mask can be. {NOT_DIAGNOSTIC}",
    training_data="Three CTs of TotalSegmentator's example data (Apache-2.0). The labels are the "
    "output of a rule and of a model (TotalSegmentator), not of a reader.",
    limitations="Trained on one thorax and one abdomen. No reader drew the reference. Diseased "
    "lungs are untried; do not use the numbers.",
    validate=("--modality", "ct"),
    reads="A CT in Hounsfield units, turned to right, anterior, superior, brought to 3 mm, and "
    "scaled "
    "from −1000…400 HU to 0–1; windows of 48³ voxels. One logit per voxel (sigmoid).",
    citation="J. Wasserthal et al., “TotalSegmentator: robust segmentation of 104 anatomic "
    "structures "
    "in CT images”, Radiology: Artificial Intelligence 5(5), 2023.",
    measured="Dice on the grid of the image, against TotalSegmentator's output",
    warning="On the one test volume, an abdomen with the lowest parts of the lungs, the Dice is "
    "0.77. It was 0.05 while zeros, which are air, filled the windows beyond that thin slab; that "
    "the outermost slices go on there was decided after seeing this volume, so the figure "
    "flatters. On the thorax by which the weights were chosen it is 0.93, against a rule. A "
    "demonstration, not a tool.",
)

RECIPES = {
    "mri-hippocampus": _HIPPOCAMPUS,
    "mri-brain-tumour": _TUMOUR,
    "mri-brain-tumour-detector": _BOXES,
    "xray-tuberculosis": _TUBERCULOSIS,
    "ct-lungs": _CT,
}
