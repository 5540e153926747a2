"""A line makes another product than its running job is for: the sentence that warns of it."""

from typing import Any, cast

from django.db.models import OuterRef, QuerySet, Subquery

from production.choices import JobStatus
from production.models import Equipment, Job


def with_made(jobs: "QuerySet[Any]") -> "QuerySet[Any]":
    """Add to each job what its line's constraint makes, by its context, and which number its controller names.

    So that `warning` needs no query of its own for a list of them.
    """
    constraint = Equipment.objects.filter(line=OuterRef("line"), is_constraint=True)
    made = jobs.annotate(
        maker=Subquery(constraint.values("name")[:1]),
        makes=Subquery(constraint.values("context__product__name")[:1]),
        makes_id=Subquery(constraint.values("context__product")[:1]),
        names=Subquery(constraint.values("condition__product_number")[:1]),
    )
    return cast("QuerySet[Any]", made)


def warning(job: Job) -> str | None:
    """Return what is made instead of the running job's product; None where nothing speaks against it.

    `job` is of `with_made`. A product that nobody has set and no controller names says nothing.
    """
    made: Any = job
    if job.status != JobStatus.RUNNING or made.makes_id == job.product_id:
        return None
    if made.makes_id is not None:
        return f"{made.maker} makes {made.makes}, the job is for {job.product.name}"
    if made.names is not None:
        return (
            f"{made.maker} names product {made.names}, which no product has for its number;"
            f" the job is for {job.product.name}"
        )
    return None
