"""Who may move a job, and what stands against a move: each refusal with its sentence."""

from ms5.accounts.models import User
from production.choices import JobStatus
from production.jobs import QUEUED, Move, after
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


def _instead(move: Move, status: JobStatus) -> str:  # noqa: PLR0911 - a table, a row each
    """Return what to do where the move cannot be made from the status."""
    match move, status:
        case _, JobStatus.COMPLETED | JobStatus.CANCELLED:
            return f"it is over and cannot be {_CANNOT_BE[move]}; plan another job"
        case Move.ACCEPT | Move.START, JobStatus.PLANNED:
            return "assign it to an operator first"
        case _, JobStatus.PLANNED:
            return "assign it to an operator and start it first"
        case Move.PAUSE | Move.RESUME | Move.COMPLETE, _:
            return "start it first" if status in QUEUED else "it goes on already"
        case Move.START, JobStatus.PAUSED:
            return "resume it instead"
        case Move.UNASSIGN, _:
            return "it has begun; assign it to another operator, or cancel it"
    return f"it has begun and cannot be {_CANNOT_BE[move]} any more"


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
            f"{job.number} is {job.status}: {_instead(move, JobStatus(job.status))}.",
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
        return ActionRefused(
            "line_busy",
            f"Job {other.number} runs on {other.line}: pause or complete it first.",
            other,
        )
    if job.operator_id is None:
        return None
    other = running.filter(operator=job.operator_id).first()
    if other is None:
        return None
    if sees(actor, other.line):
        return ActionRefused(
            "operator_busy",
            f"{job.operator} runs job {other.number} on {other.line}: pause or complete that one"
            " first, or assign this one to somebody else.",
            other,
        )
    return ActionRefused(
        "operator_busy",
        f"{job.operator} runs a job on another line: it must be paused or completed first.",
        job,
    )
