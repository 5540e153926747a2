"""Static files with a hash in their names, the imports of ES modules included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleAwareStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # has no types
    """WhiteNoise's storage; an import inside a module gets the hashed name too."""

    support_js_module_import_aggregation = True
    manifest_strict = False
