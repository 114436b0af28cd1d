"""Name tables and fields in words that are translated; the database does not change."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from accounts.words_only import WordsOnly


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0018_words_of_the_admin"),
        ("reports", "0008_letterhead"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        WordsOnly(
            [
                migrations.AlterModelOptions(
                    name="export",
                    options={
                        "ordering": ["-created_at", "-id"],
                        "verbose_name": "export",
                        "verbose_name_plural": "exports",
                    },
                ),
                migrations.AlterField(
                    model_name="export",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="export",
                    name="downloads",
                    field=models.PositiveIntegerField(
                        default=0, editable=False, verbose_name="downloads"
                    ),
                ),
                migrations.AlterField(
                    model_name="export",
                    name="error",
                    field=models.CharField(blank=True, max_length=500, verbose_name="reason"),
                ),
                migrations.AlterField(
                    model_name="export",
                    name="expires_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="expires at"),
                ),
                migrations.AlterField(
                    model_name="export",
                    name="finished_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="finished at"),
                ),
                migrations.AlterField(
                    model_name="export",
                    name="kind",
                    field=models.CharField(
                        choices=[
                            ("pdf", "PDF report"),
                            ("pdfs", "ZIP of PDF reports"),
                            ("csv", "CSV of measures"),
                            ("xlsx", "XLSX of measures"),
                            ("masks", "ZIP of masks"),
                            ("dicom", "DICOM SEG, SR and PDF"),
                            ("dicoms", "ZIP of DICOM SEG, SR and PDF"),
                            ("anon-csv", "CSV of a cohort"),
                            ("anon-zip", "ZIP of a cohort"),
                        ],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                migrations.AlterField(
                    model_name="export",
                    name="organisation",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="export",
                    name="size",
                    field=models.PositiveBigIntegerField(
                        editable=False, null=True, verbose_name="size in bytes"
                    ),
                ),
                migrations.AlterField(
                    model_name="export",
                    name="status",
                    field=models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                migrations.AlterField(
                    model_name="export",
                    name="user",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="exports",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
            ]
        )
    ]
