"""Static files with a hash in their names, the imports of ES modules included."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleAwareStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # has no types
    """WhiteNoise's storage; an import inside a module gets the hashed name too."""

    support_js_module_import_aggregation = True
    manifest_strict = False


class WholeFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # has no types
    """WhiteNoise's middleware; a file is answered whole.

    Under ASGI Django would read a stream of it whole as well, and warn of each.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        """Return the file, or the part of it that a range asks for."""
        found = static_file.get_response(request.method, request.META)
        content = b""
        if found.file is not None:
            with found.file as file:
                content = file.read()
        response = HttpResponse(content, status=int(found.status))
        del response["content-type"]
        for key, value in found.headers:
            response[key] = value
        return response
