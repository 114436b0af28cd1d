"""Two refreshes with the same token at the same moment: exactly one wins, and the family closes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import AuditEvent, TokenFamily
from accounts.services.tokens import tokens_issue, tokens_refresh
from accounts.tokens.reading import TokenRefused
from tests.accounts.factories import UserFactory

AT_ONCE = 4


@pytest.mark.django_db(transaction=True)
def test_of_many_refreshes_at_once_exactly_one_wins():
    pair = tokens_issue(user=UserFactory(), second_factor=False)
    together = Barrier(AT_ONCE)

    def exchange(_number: int) -> bool:
        together.wait(30)
        try:
            return bool(tokens_refresh(raw=pair.refresh))
        except TokenRefused:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        won = list(threads.map(exchange, range(AT_ONCE)))
    assert sorted(won) == [False] * (AT_ONCE - 1) + [True]
    assert TokenFamily.objects.get().revoked_reason == TokenFamily.Reason.REUSED
    assert AuditEvent.objects.filter(action="token.reuse").count() == 1
