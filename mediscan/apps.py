from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class MediScanConfig(AppConfig):
    name = "mediscan"

    def ready(self) -> None:
        from mediscan import guards  # noqa: F401  registers what production refuses


class MediScanAdminConfig(AdminConfig):
    """The stock admin, on our site: one login, no queue internals."""

    default_site = "mediscan.admin_site.MediScanAdmin"
    default = False
