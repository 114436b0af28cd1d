"""Hashed and compressed static files; modules find each other by their hashed names."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Static(CompressedManifestStaticFilesStorage):
    support_js_module_import_aggregation = True

    def url_converter(self, name, hashed_files, template=None):
        """Rewrite imports in our own modules; vendored scripts stay as they are."""
        if name.startswith("js/") or not name.endswith(".js"):
            return super().url_converter(name, hashed_files, template)
        return lambda match: match[0]
