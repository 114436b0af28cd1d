"""What the files that leave the house are called, and when one is not handed out."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from reports.models import ExportKind

CLOSED = _(
    "This file holds a result that is no longer yours to export: a role, a department or an "
    "assignment has changed since, or its study was deleted. Ask for a new file of those that are."
)
LEFT_COHORT = _(
    "This file holds a picture that is no longer in the cohort. "
    "Ask for a new file of those that are."
)
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FILES = {  # kind: (content type, file name without identity)
    ExportKind.PDF: ("application/pdf", "report-{}.pdf"),
    ExportKind.PDFS: ("application/zip", "reports-{}.zip"),
    ExportKind.CSV: ("text/csv", "measures-{}.csv"),
    ExportKind.XLSX: (SHEET, "measures-{}.xlsx"),
    ExportKind.MASKS: ("application/zip", "masks-{}.zip"),
    ExportKind.COHORT_CSV: ("text/csv", "cohort-{}.csv"),
    ExportKind.COHORT_XLSX: (SHEET, "cohort-{}.xlsx"),
    ExportKind.COHORT_ZIP: ("application/zip", "cohort-{}.zip"),
    ExportKind.COHORT_DICOM: ("application/zip", "cohort-dicom-{}.zip"),
    ExportKind.DICOM: ("application/zip", "dicom-{}.zip"),
    ExportKind.DICOMS: ("application/zip", "dicom-{}.zip"),
}
