"""PURE: a description that keeps only words known to be of a picture and never of a person."""

from __future__ import annotations

import re
from collections.abc import Iterable

_WORD = re.compile(r"[A-Za-zÀ-ÿ]+[0-9]?|[0-9]D")
_OF_PICTURES = """
2d 3d 4d abdomen abdominal acetabulum achilles adc adrenal agent airway ankle anterior aorta
aortic ap appendix arm arterial arteriell arthrography ax axial axillary axis barium bauch becken
biliary bladder body bolus bone brain breast brust bws cardiac caudal cerebral cervical chest
contrast cor coronal coronary cranial cranium ct cta decubitus delayed diffusion distal dixon dose
dsa dwi dx dynamic echo elbow emergency ep epi epigastrium erect esophagus examination expiration
extremity face fast fat femur fibula finger flair flash foot forearm fuss gadobenate gadobutrol
gadolinium gadoterate gadoxetate gallbladder gre hals hand haste head heart high hip hirn hueft
huefte humerus hws in inspiration intestine iodinated iodine iodixanol iohexol iomeprol iopamidol
iopromide joint kidney kiefer km knee knie knochen kontrast kontrastmittel kopf kub lat lateral
leber left leg liegend links liver lordotic low lower lumbar lung lunge lungs lws lymph
mammography mandible maxilla medial mediastinum mip mit mpr mprage mr mra mrcp mri multi nativ
native neck nerve niere nieren oben oblique ohne orbit orthopantomogram osg pa palate pancreas
paranasal parotid patella pd pelvis perfusion petrous phase plain post posterior pre prone
prostata prostate protocol proximal pulmonary radius rechts recon rectum renal resolution rib ribs
right routine ruecken sacral sacrum sag sagittal sat scan scapula scapular schaedel schulter
screening se segmentation series shoulder sinus sitzend skull slice slices soft space spgr spin
spine spleen standard stehend sternum stir stomach study supine swi t t1 t2 thick thigh thin
thoracic thorax thyroid tibia tibial tissue tof tra trachea transversal transverse tse tube turbo
ulna unten upper upright urogram uterus vein venous vertebra vertebral vessel vibe view wbs
weighted wirbelsaeule with without wo wrist xr xray zehe
"""
KNOWN = frozenset(_OF_PICTURES.split())
LONGEST = 64  # of LO, PS3.5 6.2


def cleaned(text: str, known: Iterable[str] = KNOWN) -> str:
    """Return the words of `text` that are known, in their order; "" where none is.

    A number goes with the rest: "CT Thorax Muller 1931" leaves "CT Thorax".
    """
    kept = [word for word in _WORD.findall(text) if word.casefold() in known]
    return " ".join(kept)[:LONGEST].strip()
