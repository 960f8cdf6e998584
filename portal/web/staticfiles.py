"""Static files with a hash in their names, ES module imports included."""

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage


class ModuleManifestStorage(ManifestStaticFilesStorage):
    """Django's manifest storage that also rewrites the imports between our ES modules."""

    support_js_module_import_aggregation = True
