"""No address without a declaration of who it is for."""

from __future__ import annotations

import pytest
from django.contrib.auth.decorators import login_not_required

from accounts.access import PUBLIC, SIGNED_IN, requires, signed_in
from accounts.roles import TABLE
from mediscan.routes import ADMIN, BY_NAME, demand_of, routes


def test_every_address_declares_who_it_is_for():
    assert [route.pattern for route in routes() if not route.demand] == []


def test_every_declared_action_is_in_the_table():
    unknown = {route.demand for route in routes()} - TABLE.keys() - {PUBLIC, SIGNED_IN}
    assert unknown == set()


def test_the_public_names_are_those_that_ask_for_no_login():
    for route in routes():
        if route.demand != ADMIN:  # the admin's own login and scripts send people on
            assert is_open(route.view) == (route.demand == PUBLIC), route


def is_open(view) -> bool:
    """Say whether the middleware lets the anonymous through; a view of the API guards itself."""
    if hasattr(view, "cls"):
        return not view.cls.permission_classes
    return not getattr(view, "login_required", True)


def test_no_declaration_is_left_of_an_address_that_went_away():
    assert BY_NAME.keys() <= {route.name for route in routes()}


def test_a_view_that_declares_nothing_is_found():
    def view(request):
        raise AssertionError

    assert demand_of("somewhere:new", view) == ""
    assert demand_of("somewhere:new", login_not_required(view)) == ""
    assert demand_of("somewhere:new", requires("study.view")(view)) == "study.view"
    assert demand_of("somewhere:new", signed_in(view)) == SIGNED_IN


def test_a_guard_for_an_undeclared_action_fails_when_the_house_starts():
    with pytest.raises(KeyError):
        requires("moon.fly")
