"""Views of one's own: the filters that are set, kept under a name as a tab."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import audit
from accounts.models import User
from imaging.models import SavedView
from imaging.services.refusals import NotPossible

MOST_VIEWS = 8


@transaction.atomic
def view_save(*, user: User, name: str, query: str) -> SavedView:
    """Keep `query` under `name`; the same name again takes the new query. Raises: NotPossible."""
    name = " ".join(name.split())[:40]
    if not name:
        raise NotPossible(_("Give the view a name."))
    if not query:
        raise NotPossible(_("Set a filter or an order first: that is what a view keeps."))
    User.objects.select_for_update().get(pk=user.pk)  # two tabs at once count right
    mine = SavedView.objects.filter(user=user)
    if not mine.filter(name=name).exists() and mine.count() >= MOST_VIEWS:
        raise NotPossible(_("There is room for %(n)d views. Forget one first.") % {"n": MOST_VIEWS})
    view, _new = SavedView.objects.update_or_create(
        user=user, name=name, defaults={"query": query[:500]}
    )
    audit.record(user, "view.save", view)
    return view


@transaction.atomic
def view_forget(*, user: User, view: SavedView) -> None:
    """Take the tab away. Twice, it changes nothing."""
    gone, _rows = SavedView.objects.filter(pk=view.pk, user=user).delete()
    if gone:
        audit.record(user, "view.forget", view)
