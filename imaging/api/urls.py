"""Addresses of the hall below /api/v1/."""

from rest_framework.routers import SimpleRouter

from imaging.api.deletions import Deletions
from imaging.api.orders import Orders
from imaging.api.patients import Patients
from imaging.api.registry import Ensembles, Models
from imaging.api.results import Results
from imaging.api.reviews import Reviews
from imaging.api.rules import Rules
from imaging.api.runs import Jobs, Runs
from imaging.api.studies import Images, SeriesRoom, Studies
from imaging.api.uploads import Uploads

ROOMS = {
    "patients": ("patient", Patients),
    "studies": ("study", Studies),
    "deletions": ("deletion", Deletions),
    "series": ("series", SeriesRoom),
    "images": ("image", Images),
    "uploads": ("upload", Uploads),
    "models": ("model", Models),
    "ensembles": ("ensemble", Ensembles),
    "rules": ("rule", Rules),
    "orders": ("order", Orders),
    "runs": ("run", Runs),
    "jobs": ("job", Jobs),
    "results": ("result", Results),
    "reviews": ("review", Reviews),
}
router = SimpleRouter(use_regex_path=False)
for address, (name, room) in ROOMS.items():
    router.register(address, room, basename=name)
urlpatterns = router.urls
