"""The plan that every organisation begins with."""

from django.db import migrations

FREE = {
    "name": "Free",
    "runs_per_month": 200,
    "storage_bytes": 5 * 2**30,
    "members": 5,
}


def add(apps, schema_editor):
    apps.get_model("accounts", "Plan").objects.get_or_create(slug="free", defaults=FREE)


def remove(apps, schema_editor):
    """Leave it where an organisation uses it."""
    plans = apps.get_model("accounts", "Plan").objects
    plans.filter(slug="free", organisations__isnull=True).delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(add, remove)]
