"""The OEE of lines and their equipment over the present shift so far, as it is said."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ms5.events import facts
from production.accounting import accounts_of, is_of_line
from production.calendars import calendars
from production.choices import OeeMethod
from production.made import products_without
from production.making import named, only, products
from production.models import Equipment, Line, Product
from production.oee import Account
from production.public.oee import oee_of
from production.timelines import Extent
from production.windows import Window, present

NO_CONSTRAINT = "no equipment is the constraint of this line"


@dataclass(frozen=True, slots=True)
class Said:
    """A gauge to say: of a line, or of one of its equipment."""

    line: Line
    equipment: Equipment | None
    data: facts.OeeUpdate

    @property
    def key(self) -> str:
        code = f":{self.equipment.code}" if self.equipment else ""
        return f"oee:{self.line.code}{code}"


def updates(lines: Sequence[Line], now: datetime, *, exact: bool = False) -> Iterator[Said]:
    """Yield the figures of each line, and of each of its equipment, over its present shift so far.

    `exact` computes all from spans and increments, and gives the same.
    """
    by_line = calendars(lines)
    windows = {pk: present(calendar, now) for pk, calendar in by_line.items()}
    equipment = list(Equipment.objects.filter(line__in=windows).in_flow_order())
    extents = [
        Extent(each, windows[each.line_id].started_at, now, by_line[each.line_id])
        for each in equipment
    ]
    accounts = dict(
        zip(
            (each.pk for each in equipment),
            accounts_of(extents, now, exact=exact),
            strict=True,
        )
    )
    made = [only(each) for each in products(extents)]
    known = named([*made, *products_without(accounts.values())])
    of_each = dict(zip((each.pk for each in equipment), made, strict=True))
    names = {pk: product.name for pk, product in known.items()}
    of_lines: dict[int, list[Equipment]] = defaultdict(list)
    for each in equipment:
        of_lines[each.line_id].append(each)
    for line in lines:
        window = windows[line.pk]
        own = of_lines[line.pk]
        whose = [each for each in own if is_of_line(each, line.oee_method)]
        whole = sum((accounts[each.pk] for each in whose), Account())
        makes = {of_each[each.pk] for each in whose}
        product = makes.pop() if len(makes) == 1 else None
        has_figures = bool(whose) or line.oee_method == OeeMethod.SUM
        figures = partial(_said, line, window=window, names=names, now=now)
        yield figures(
            None,
            whole,
            product=known.get(product or 0),
            why=None if has_figures else NO_CONSTRAINT,
        )
        for each in own:
            yield figures(each, accounts[each.pk], product=known.get(of_each[each.pk] or 0))


def _said(
    line: Line,
    equipment: Equipment | None,
    account: Account,
    *,
    window: Window,
    product: Product | None,
    names: Mapping[int, str],
    now: datetime,
    why: str | None = None,
) -> Said:
    data = oee_of(
        account,
        scope="equipment" if equipment else "line",
        method=line.oee_method,
        no_data_is_stop=line.no_data_is_stop,
        names=names,
        window=facts.Window(started_at=window.started_at, to=now),
        shift=window.name,
        product=product,
        why=why,
    )
    return Said(line, equipment, data)
