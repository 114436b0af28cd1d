"""What is stored: Upload → Patient, Study, Series, Image → Run, Job → Result."""

from __future__ import annotations

from imaging.models.access import GLASS_OPEN, Assignment, BreakGlass, Verdict
from imaging.models.answers import ResultBox, ResultClass
from imaging.models.approvals import ModelApproval, ModelUpload
from imaging.models.base import Clinical, Modality
from imaging.models.cohorts import Cohort, CohortImage, CohortReader
from imaging.models.corrections import Correction
from imaging.models.deletions import Deletion
from imaging.models.ensembles import Ensemble, EnsembleMember, EnsembleState, Fusion
from imaging.models.erasures import Erasure
from imaging.models.impressions import Impression
from imaging.models.instances import Instance, ResultObjects
from imaging.models.label_sessions import LabelSession
from imaging.models.orders import Order
from imaging.models.parts import UploadPart
from imaging.models.patients import Image, ImageFile, OfPatient, Patient, Series, Study
from imaging.models.results import (
    GateVerdict,
    Lesion,
    Measurement,
    MemberOutcome,
    Result,
    ResultMap,
    Severity,
)
from imaging.models.reviews import Decision, Meaning, RejectReason, Review
from imaging.models.rules import BODY_PART, Rule, RuleMatch
from imaging.models.runs import FINISHED, LIVE, Heartbeat, Job, JobQuerySet, JobStatus, Member, Run
from imaging.models.seals import ResultSeal
from imaging.models.sending import ItemStatus, SourceFile, Upload, UploadItem
from imaging.models.standings import Reading, Standing, Work
from imaging.models.versions import ModelOrigin, ModelState, ModelVersion
from imaging.models.views import SavedView
