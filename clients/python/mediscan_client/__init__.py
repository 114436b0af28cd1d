"""A small typed client for the MediScan API: upload, run, wait, download."""

from mediscan_client.auth import ApiKey, SignIn
from mediscan_client.bodies import (
    Export,
    ExportKind,
    Job,
    Lesion,
    Measurement,
    Modality,
    Model,
    Order,
    Result,
    ResultDetail,
    Run,
    Upload,
)
from mediscan_client.client import MediScan, Member
from mediscan_client.errors import Refused

__all__ = [
    "ApiKey",
    "Export",
    "ExportKind",
    "Job",
    "Lesion",
    "Measurement",
    "MediScan",
    "Member",
    "Modality",
    "Model",
    "Order",
    "Refused",
    "Result",
    "ResultDetail",
    "Run",
    "SignIn",
    "Upload",
]
