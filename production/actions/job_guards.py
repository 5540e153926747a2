"""Who may move a job, and what stands against a move: each refusal with its sentence."""

from ms5.accounts.models import User
from production.choices import JobStatus
from production.jobs import Move, after
from production.models import Job, Line
from production.refusals import ActionRefused, NotAllowed, demand_version

OWN, ANY = "production.change_job", "production.add_job"

_CANNOT_BE = {
    Move.CHANGE: "changed",
    Move.ASSIGN: "assigned",
    Move.UNASSIGN: "taken back",
    Move.ACCEPT: "accepted",
    Move.START: "started",
    Move.PAUSE: "paused",
    Move.RESUME: "resumed",
    Move.COMPLETE: "completed",
    Move.CANCEL: "cancelled",
}


def sees(user: User, line: Line) -> bool:
    """Whether the line is one of those the user may see."""
    return user.sees_all_lines or Line.objects.visible_to(user).filter(pk=line.pk).exists()


def demand_supervisor(actor: User, line: Line) -> None:
    """Raise NotAllowed unless the actor plans jobs, and may see the line."""
    if not actor.has_perm(ANY) or not sees(actor, line):
        raise NotAllowed("Planning jobs is for the supervisors of the line.")


def demand_own(actor: User, job: Job) -> None:
    """Raise NotAllowed unless it is the actor's own job, or the actor is a supervisor of its line."""
    is_own = job.operator_id == actor.pk and actor.has_perm(OWN)
    if not (is_own or actor.has_perm(ANY)) or not sees(actor, job.line):
        raise NotAllowed(
            f"Job {job.number} is not yours; its operator or a supervisor moves it."
        )


def demand_move(job: Job, move: Move, version: int | None) -> None:
    """Raise ActionRefused unless the move can be made from its status, seen in this version."""
    if after(move, JobStatus(job.status)) is None:
        raise ActionRefused(
            "wrong_status",
            f"Job {job.number} is {job.status}; it cannot be {_CANNOT_BE[move]}.",
            job,
        )
    demand_version(job, version)


def demand_operator(operator: User, job: Job) -> None:
    """Raise ActionRefused unless this user may do jobs on the line."""
    is_able = operator.is_active and operator.has_perm(OWN)
    if not is_able or not sees(operator, job.line):
        raise ActionRefused("no_operator", f"{operator} does no jobs on {job.line}.")


def demand_free(job: Job, actor: User) -> None:
    """Raise ActionRefused where another job runs on the line, or is run by the operator."""
    if refusal := stands_against(job, actor):
        raise refusal


def stands_against(job: Job, actor: User) -> ActionRefused | None:
    """Return the refusal that names the running job in the way; None if there is none.

    Its row is that job, or the asked one where the actor may not see the other's line.
    """
    running = Job.objects.filter(status=JobStatus.RUNNING).exclude(pk=job.pk)
    running = running.select_related("line", "product", "operator", "by")
    if other := running.filter(line=job.line_id).first():
        return ActionRefused("line_busy", f"Job {other.number} runs on {other.line}.", other)
    if job.operator_id is None:
        return None
    other = running.filter(operator=job.operator_id).first()
    if other is None:
        return None
    if sees(actor, other.line):
        return ActionRefused(
            "operator_busy", f"{job.operator} runs job {other.number} on {other.line}.", other
        )
    return ActionRefused("operator_busy", f"{job.operator} runs a job on another line.", job)
