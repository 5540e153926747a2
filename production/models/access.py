"""Which lines a user may see."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from production.models.floor import Line


class LineAccess(models.Model):
    """A user may see this line. A user with `all_lines` needs none."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="line_access"
    )
    line = models.ForeignKey(Line, on_delete=models.CASCADE, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "line"], name="a line is granted once"),
        ]
        verbose_name_plural = "line access"

    def __str__(self) -> str:
        return str(self.line)
