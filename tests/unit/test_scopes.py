"""What a token lets through of what a role may do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ms5.accounts.roles import PERMISSIONS, SCOPES, Role, TokenScope, granted

ROLES = st.sampled_from(Role.values)
WORDS = st.lists(st.sampled_from([*TokenScope.values, "admin", "*", ""]), max_size=5)


def test_every_scope_says_what_it_lets_through():
    assert set(SCOPES) == set(TokenScope.values)


def test_reading_lets_nothing_be_changed():
    assert {name.split(".")[1].split("_")[0] for name in SCOPES[TokenScope.READ]} == {"view"}


def test_no_scope_reaches_people_tokens_controllers_or_master_data():
    every = frozenset().union(*SCOPES.values())
    assert not [name for name in every if name.startswith("accounts.")]
    writes = {name for name in every if ".view_" not in name}
    # Work, and never what work is measured by.
    assert writes == {
        "production.change_context",
        "production.change_job",
        "production.add_job",
        "production.add_count",
        "production.change_downtime",
        "production.change_changeover",
        "andon.add_andoncall",
    }


@given(ROLES, WORDS, WORDS)
def test_a_scope_narrows_and_more_scopes_narrow_less(role, some, others):
    few, more = granted(role, some), granted(role, [*some, *others])
    assert few <= more <= granted(role) == PERMISSIONS[role]


@given(ROLES)
def test_no_scope_lets_nothing_through(role):
    assert granted(role, []) == granted(role, ["admin", "*"]) == frozenset()


@pytest.mark.parametrize("role", Role.values)
def test_every_role_reads_boards_by_a_token_that_reads(role):
    assert "production.view_line" in granted(role, ["read"])
