"""Addresses of the gatehouse that allauth does not have."""

from django.urls import path

from accounts import language_pages, reading_pages, setup_pages, views_keys

app_name = "accounts"
urlpatterns = [
    path("setup/", setup_pages.setup, name="setup"),
    path("language/", language_pages.language, name="language"),
    path("account/reading/", reading_pages.reading_mine, name="reading"),
    path("account/api-keys/", views_keys.api_key_list, name="api-key-list"),
    path("account/api-keys/new/", views_keys.api_key_new, name="api-key-new"),
    path(
        "account/api-keys/<uuid:pk>/revoke/", views_keys.api_key_revoke_view, name="api-key-revoke"
    ),
]
