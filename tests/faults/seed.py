"""Makes the lines, machines and people of the fault run; prints the keys of their tokens."""

import json
import sys

import django


def main() -> None:
    django.setup()
    from ms5.accounts.keys import issue
    from ms5.accounts.models import User
    from ms5.accounts.roles import Role
    from ms5.events.log import epoch
    from production.models import Area, Equipment, Line, LineAccess, Site
    from tests.faults import floor

    site = Site.objects.create(code="FAULTS", name="Fault run")
    area = Area.objects.create(site=site, code="ONLY", name="Only")
    for code in floor.LINES:
        line = Line.objects.create(area=area, code=code, name=f"Line {code}")
        for position, writer in enumerate(floor.WRITERS, 1):
            Equipment.objects.create(
                line=line,
                code=floor.machine(code, writer),
                name=f"Machine {floor.machine(code, writer)}",
                position=position,
            )
    permitted = User.objects.create_user("permitted", role=Role.ENGINEER, all_lines=True)
    limited = User.objects.create_user("limited", role=Role.VIEWER, all_lines=False)
    for code in floor.OWN:
        LineAccess.objects.create(user=limited, line=Line.objects.get(code=code))
    epoch()
    keys = {user.username: issue(user, "fault run")[1] for user in (permitted, limited)}
    sys.stdout.write(json.dumps({"keys": keys}))


if __name__ == "__main__":
    main()
