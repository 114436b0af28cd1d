"""Models and ensembles by API."""

from __future__ import annotations

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.schema import GONE, READ, page_of
from imaging.api.bodies import EnsembleBody, ModelBody
from imaging.api.queries import EnsembleQuery, ModelQuery, narrowed
from imaging.api.rooms import Listing
from imaging.choices import ensembles_told, models_registered


class Models(Listing):
    is_of_records = False
    required_action = "model.view"
    queries = {"list": ModelQuery}

    @extend_schema(parameters=[ModelQuery], responses={200: page_of(ModelBody), **READ})
    def list(self, request: Request) -> Response:
        """List the registered models but the retired; only those that are `active` run."""
        return self.paged(narrowed(models_registered(), self.asked()), ModelBody)

    @extend_schema(responses={200: ModelBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one version of one model, with its card."""
        return Response(ModelBody(get_object_or_404(models_registered(), pk=pk)).data)


class Ensembles(Listing):
    is_of_records = False
    required_action = "model.view"
    queries = {"list": EnsembleQuery}

    @extend_schema(parameters=[EnsembleQuery], responses={200: page_of(EnsembleBody), **READ})
    def list(self, request: Request) -> Response:
        """List the saved choices of models, the house's and yours; only `approved` ones run."""
        return self.paged(narrowed(ensembles_told(request.user), self.asked()), EnsembleBody)

    @extend_schema(responses={200: EnsembleBody, **READ, **GONE})
    def retrieve(self, request: Request, pk) -> Response:
        """Read one ensemble with its members."""
        return Response(EnsembleBody(get_object_or_404(ensembles_told(request.user), pk=pk)).data)
