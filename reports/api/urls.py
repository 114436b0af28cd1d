"""Addresses of the press below /api/v1/."""

from rest_framework.routers import SimpleRouter

from reports.api.exports import Exports
from reports.api.reports import Reports

router = SimpleRouter(use_regex_path=False)
router.register("exports", Exports, basename="export")
router.register("reports", Reports, basename="report")
urlpatterns = router.urls
