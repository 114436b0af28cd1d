"""Addresses of the result page and of the bytes it draws from."""

from django.urls import path

from imaging import answer_views, compare_views, planes_views, printing, read_first, viewer

urlpatterns = [
    path("images/<uuid:pk>/thumbnail/", viewer.image_thumbnail, name="image-thumbnail"),
    path("images/<uuid:pk>/read/", read_first.image_read, name="image-read"),
    path("images/<uuid:pk>/original.png", read_first.image_original, name="image-original"),
    path("images/<uuid:pk>/pixels/", viewer.image_pixels, name="image-pixels"),
    path(
        "images/<uuid:pk>/slices/<slug:plane>/<int:number>/",
        viewer.image_slice,
        name="image-slice",
    ),
    path("results/<uuid:pk>/", viewer.result_detail, name="result-detail"),
    path("results/<uuid:pk>/print/", printing.result_print, name="result-print"),
    path("results/<uuid:pk>/maps/<slug:name>/", viewer.result_map, name="result-map"),
    path(
        "results/<uuid:pk>/maps/<slug:name>/<slug:plane>/<int:number>/",
        viewer.result_map_slice,
        name="result-map-slice",
    ),
    path("results/<uuid:pk>/layers/<slug:name>.png", viewer.result_layer, name="result-layer"),
    path("results/<uuid:pk>/compare/", compare_views.compare_list, name="result-compare-list"),
    path(
        "results/<uuid:pk>/compare/<uuid:other>/",
        compare_views.compare_detail,
        name="result-compare",
    ),
    path("results/<uuid:pk>/planes/", planes_views.result_planes, name="result-planes"),
    path("results/<uuid:pk>/override/", answer_views.gate_override_view, name="gate-override"),
]
