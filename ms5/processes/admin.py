"""Pages of heartbeats, runs and leases: is everything running, and where."""

from typing import ClassVar

from django.contrib import admin
from django.utils import timezone

from ms5.admin_base import RecordAdmin, ago, column, length
from ms5.processes.models import Heartbeat, Lease, Run


@admin.register(Heartbeat)
class HeartbeatAdmin(RecordAdmin):
    """When each processor last did its work."""

    list_display = ("name", "status", "succeeded", "period", "took", "instance", "error")
    search_fields = ("name", "instance", "error")

    @column("status", colours={"well": "success", "late": "danger"})
    def status(self, beat: Heartbeat) -> tuple[str, str]:
        if beat.ok_at is None:
            return "late", "never succeeded"
        late = timezone.now() - beat.ok_at > beat.late_after
        return ("late", "late") if late else ("well", "well")

    @column("succeeded", order="ok_at")
    def succeeded(self, beat: Heartbeat) -> str | None:
        return ago(beat.ok_at)

    @column("every", order="period_s")
    def period(self, beat: Heartbeat) -> str:
        return f"{beat.period_s:g} s"

    @column("took", order="took_ms")
    def took(self, beat: Heartbeat) -> str:
        return f"{beat.took_ms:.0f} ms"


@admin.register(Run)
class RunAdmin(RecordAdmin):
    """Each start of a process, for a week."""

    list_display = ("name", "instance", "began_at", "told")
    list_filter = ("name",)
    search_fields = ("name", "instance")
    ordering: ClassVar = ["-began_at", "-pk"]

    @column("last told", order="told_at")
    def told(self, run: Run) -> str | None:
        return ago(run.told_at)


@admin.register(Lease)
class LeaseAdmin(RecordAdmin):
    """Who alone may do what, until when."""

    list_display = ("name", "holder", "status", "until")
    search_fields = ("name", "holder")
    ordering: ClassVar = ["name"]

    @column("status", colours={"held": "success"})
    def status(self, lease: Lease) -> tuple[str, str]:
        left = (lease.until - timezone.now()).total_seconds()
        return ("held", f"held, {length(left)} left") if left > 0 else ("free", "free")
