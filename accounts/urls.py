"""Addresses of the gatehouse that allauth does not have."""

from django.urls import path

from accounts import language_pages, reading_pages, setup_pages, views_keys, views_webhooks

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
    path("account/webhooks/", views_webhooks.webhook_list, name="webhook-list"),
    path("account/webhooks/new/", views_webhooks.webhook_new, name="webhook-new"),
    path("account/webhooks/<uuid:pk>/", views_webhooks.webhook_detail, name="webhook-detail"),
    path("account/webhooks/<uuid:pk>/edit/", views_webhooks.webhook_edit, name="webhook-edit"),
    path(
        "account/webhooks/<uuid:pk>/switch/", views_webhooks.webhook_switch, name="webhook-switch"
    ),
    path(
        "account/webhooks/<uuid:pk>/rotate/",
        views_webhooks.webhook_rotate_view,
        name="webhook-rotate",
    ),
    path("account/webhooks/<uuid:pk>/test/", views_webhooks.webhook_test_view, name="webhook-test"),
    path(
        "account/webhooks/<uuid:pk>/remove/",
        views_webhooks.webhook_remove_view,
        name="webhook-remove",
    ),
    path(
        "account/webhooks/deliveries/<uuid:pk>/resend/",
        views_webhooks.delivery_resend_view,
        name="webhook-resend",
    ),
]
