"""What the result page shows of reviews: the version that counts, the earlier ones, the form."""

from __future__ import annotations

from dataclasses import dataclass

from imaging.forms_review import ReviewForm
from imaging.models import Impression, Result, Review
from imaging.services.signing import signature_holds


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a result is cut and what it measures there: as its reader left it.

    threshold, level  None where the reader edited the mask instead.
    left_out          the lesions that the reader removed, in words.
    """

    threshold: float | None
    level: int | None
    row: dict
    left_out: str = ""


def cut_of(result: Result, review: Review | None) -> Cut:
    """Return the cut or mask of the review that counts where it was edited, else the result's.

    An edited mask counts from when it is measured. Classes, boxes and refusals are cut nowhere:
    their row holds the severity's words alone.
    """
    if review is not None and review.row is not None:
        return Cut(review.threshold, review.level, review.row, review.left_out)
    return Cut(result.threshold, result.level, result.operating if result.is_measured else {
        "severity": result.severity, "severity_reason": result.severity_reason,
        "denominator": "", "unit": "", "area_text": "",
    })  # fmt: skip


def review_context(result: Result, threshold: float, form: ReviewForm | None = None) -> dict:
    """Return what the panel of the decision shows."""
    versions = list(
        Review.objects.filter(result=result)
        .select_related("author", "signed_by", "mask", "result__seal")
        .order_by("-number")
    )
    current = versions[0] if versions else None
    seen = current.number if current else 0
    return {
        "review": current,
        "earlier": versions[1:],
        "impressions": Impression.objects.filter(image=result.image_id).select_related("author"),
        "forged": [one.number for one in versions if one.is_signed and not signature_holds(one)],
        "review_form": form
        or ReviewForm(
            initial={"seen": seen, "threshold": f"{threshold:g}"},
            signed=_signed(current),
            editable=result.is_measured,
        ),
        "removed": removed_in(form) if form else current.removed if current else [],
    }


def removed_in(form: ReviewForm) -> list[int]:
    """Return the regions that a sent form took away, wrong or not."""
    return [int(one) for one in form.data.getlist("removed") if one.isdecimal()]


def _signed(review: Review | None) -> bool:
    return review is not None and review.is_signed
