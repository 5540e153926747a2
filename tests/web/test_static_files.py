"""Static files under ASGI: whole, in part, and only their head, without a stream that Django warns of."""

import asyncio
import warnings

import pytest
from django.test import AsyncClient

pytestmark = pytest.mark.django_db
PATH = "/static/admin/js/core.js"


@pytest.fixture(autouse=True)
def _not_collected(settings):
    """Serve them from where they are: nothing is collected for tests."""
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True


def ask(method="get", **headers):
    async def asked():
        return await getattr(AsyncClient(), method)(PATH, headers=headers)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return asyncio.run(asked())


def test_a_file_is_answered_whole_and_without_a_warning():
    answer = ask()
    assert (answer.status_code, answer.streaming) == (200, False)
    assert answer["content-type"].startswith("text/javascript")
    assert b"quickElement" in answer.content
    assert int(answer["content-length"]) == len(answer.content)


def test_a_range_of_it_is_that_part():
    whole = ask().content
    answer = ask(range="bytes=10-19")
    assert (answer.status_code, answer.content) == (206, whole[10:20])


def test_its_head_has_its_length_and_no_content():
    answer = ask("head")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer["content-length"]) > 1000
