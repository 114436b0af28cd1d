"""One factory for each noun of the press, making the smallest valid row."""

from __future__ import annotations

import factory
from django.utils.timezone import now

from reports.models import Export, ExportItem, Letterhead
from tests.accounts.factories import OrganisationFactory, UserFactory
from tests.imaging.factories import ResultFactory


class ExportFactory(factory.django.DjangoModelFactory):
    """A queued CSV of one result; `results` gives others, all of one person."""

    class Meta:
        model = Export
        skip_postgeneration_save = True

    class Params:
        results = factory.LazyFunction(lambda: [ResultFactory()])

    user = factory.LazyAttribute(lambda o: o.results[0].job.run.requested_by)
    organisation = factory.LazyAttribute(lambda o: o.results[0].organisation)
    kind = "csv"

    @classmethod
    def _create(cls, model_class, *args, results=None, **kwargs):
        return super()._create(model_class, *args, **kwargs)

    @factory.post_generation
    def items(self, create, results, **kwargs):
        for position, result in enumerate(results or [], start=1):
            ExportItem.objects.create(
                export=self, organisation=self.organisation, result=result, position=position
            )


class LetterheadFactory(factory.django.DjangoModelFactory):
    """A draft that is ready, of words alone; `used` puts it into use now."""

    class Meta:
        model = Letterhead

    class Params:
        used = factory.Trait(
            used_at=factory.LazyFunction(now), used_by=factory.SelfAttribute("created_by")
        )

    organisation = factory.SubFactory(OrganisationFactory)
    created_by = factory.SubFactory(UserFactory)
    number = factory.Sequence(lambda n: n + 1)
    heading = "The hospital in the wood"
    state = "ready"
