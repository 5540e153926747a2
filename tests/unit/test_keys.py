"""The one place that reads `Authorization: Token KEY`."""

import pytest

from ms5.accounts.keys import key_in


@pytest.mark.parametrize(
    ("values", "key"),
    [
        (["Token ms5_x"], "ms5_x"),
        (["token  ms5_x "], "ms5_x"),
        (["TOKEN", "ms5_x"], "ms5_x"),
        (["Token"], ""),
        (["Token a b"], ""),
        (["Token a", "Token b"], ""),
        (["Bearer ms5_x"], None),
        (["Tokenms5_x"], None),
        ([""], None),
        ([], None),
    ],
)
def test_the_key(values, key):
    assert key_in(values) == key
