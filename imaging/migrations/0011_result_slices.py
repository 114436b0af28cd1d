"""Where along each axis of a volume the finding lies: the bar beside its slices."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("imaging", "0010_image_files_filled")]

    operations = [
        migrations.AddField(
            model_name="result",
            name="slices",
            field=models.JSONField(
                help_text="of a volume: for the slices of each axis their pixels and highest level",
                null=True,
            ),
        ),
    ]
