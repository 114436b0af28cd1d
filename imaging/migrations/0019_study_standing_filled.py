from django.db import migrations
from django.db.models import F

from imaging.standing import standing_of

AT_ONCE = 500


def fill(apps, schema_editor):
    """Work out how each study stands, from what is stored."""
    study = apps.get_model("imaging", "Study")
    ids = list(study.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        jobs, results = ({one: [] for one in some} for _ in range(2))
        rows = apps.get_model("imaging", "Job").objects.filter(image__study__in=some)
        newest = {
            row["image"]: row
            for row in rows.order_by("created_at", "pk").values(
                "pk", "image", "status", "created_at",
                study=F("image__study"), ensemble=F("run__ensemble"),
            )
        }  # fmt: skip
        for row in newest.values():
            jobs[row["study"]].append(row)
        rows = apps.get_model("imaging", "Result").objects.filter(image__study__in=some)
        for row in rows.order_by("created_at", "pk").values(
            "pk", "image", "severity", "disagree", "created_at",
            study=F("image__study"), ensemble=F("job__run__ensemble"),
        ):  # fmt: skip
            results[row["study"]].append(row)
        rows = apps.get_model("imaging", "Review").objects.filter(result__image__study__in=some)
        reviews = {
            row["result"]: row
            for row in rows.order_by("number").values(
                "pk", "result", "signed_at", at=F("created_at")
            )
        }
        for one in some:
            if jobs[one]:
                columns = standing_of(jobs[one], results[one], reviews)
                study.objects.filter(pk=one).update(**columns)


class Migration(migrations.Migration):
    dependencies = [("imaging", "0018_study_standing")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
