"""Static files with a hash in their names, ES module imports included."""

from typing import Any

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class ModuleManifestStorage(ManifestStaticFilesStorage):
    """Django's manifest storage that also rewrites the imports between our ES modules (ours only: others mention theirs in comments)."""

    support_js_module_import_aggregation = True
    _js_module_import_aggregation_patterns: Any = (
        "js/*.js",
        ManifestStaticFilesStorage._js_module_import_aggregation_patterns[1],  # type: ignore[attr-defined]
    )
