"""Name tables and fields in words that are translated; the database does not change."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts.words_only import WordsOnly


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0017_plan_request"),
    ]

    operations = [
        WordsOnly(
            [
                migrations.AlterModelOptions(
                    name="auditevent",
                    options={
                        "ordering": ["-at"],
                        "verbose_name": "entry of the trail",
                        "verbose_name_plural": "audit trail",
                    },
                ),
                migrations.AlterModelOptions(
                    name="department",
                    options={
                        "ordering": ["name"],
                        "verbose_name": "department",
                        "verbose_name_plural": "departments",
                    },
                ),
                migrations.AlterModelOptions(
                    name="invitation",
                    options={
                        "ordering": ["created_at"],
                        "verbose_name": "invitation",
                        "verbose_name_plural": "invitations",
                    },
                ),
                migrations.AlterModelOptions(
                    name="membership",
                    options={
                        "ordering": ["created_at"],
                        "verbose_name": "membership",
                        "verbose_name_plural": "memberships",
                    },
                ),
                migrations.AlterModelOptions(
                    name="organisation",
                    options={
                        "ordering": ["name"],
                        "verbose_name": "organisation",
                        "verbose_name_plural": "organisations",
                    },
                ),
                migrations.AlterModelOptions(
                    name="plan",
                    options={
                        "ordering": ["name"],
                        "verbose_name": "plan",
                        "verbose_name_plural": "plans",
                    },
                ),
                migrations.AlterModelOptions(
                    name="user",
                    options={
                        "ordering": ["email"],
                        "verbose_name": "person",
                        "verbose_name_plural": "people",
                    },
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="action",
                    field=models.CharField(
                        help_text="noun.verb, for instance run.submit",
                        max_length=64,
                        verbose_name="action",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="actor",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="who",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="after",
                    field=models.CharField(
                        blank=True, help_text="keyed hash", max_length=64, verbose_name="after"
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="at",
                    field=models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="when"
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="before",
                    field=models.CharField(
                        blank=True, help_text="keyed hash", max_length=64, verbose_name="before"
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="dicom",
                    field=models.CharField(
                        blank=True,
                        help_text="PS3.15 A.5, event:type",
                        max_length=16,
                        verbose_name="DICOM event",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="ip",
                    field=models.CharField(
                        blank=True, max_length=45, verbose_name="network address"
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="organisation",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="outcome",
                    field=models.CharField(default="ok", max_length=16, verbose_name="outcome"),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="patient",
                    field=models.UUIDField(
                        blank=True,
                        help_text="pseudonym: the row's random id",
                        null=True,
                        verbose_name="patient",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="reason",
                    field=models.CharField(blank=True, max_length=200, verbose_name="reason"),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="request_id",
                    field=models.CharField(blank=True, max_length=32, verbose_name="request"),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="role",
                    field=models.CharField(
                        blank=True,
                        help_text="in which the actor acted",
                        max_length=128,
                        verbose_name="role",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="sealed",
                    field=models.TextField(
                        blank=True,
                        help_text="what changed, under the trail's key",
                        verbose_name="sealed",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="session",
                    field=models.CharField(
                        blank=True,
                        help_text="hash, never the key",
                        max_length=32,
                        verbose_name="session",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="target",
                    field=models.CharField(
                        blank=True,
                        help_text="model:pk, never a name",
                        max_length=128,
                        verbose_name="object",
                    ),
                ),
                migrations.AlterField(
                    model_name="auditevent",
                    name="version",
                    field=models.CharField(
                        blank=True, help_text="of MediScan", max_length=32, verbose_name="version"
                    ),
                ),
                migrations.AlterField(
                    model_name="department",
                    name="name",
                    field=models.CharField(max_length=200, verbose_name="name"),
                ),
                migrations.AlterField(
                    model_name="department",
                    name="organisation",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="departments",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="membership",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="membership",
                    name="department",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        to="accounts.department",
                        verbose_name="department",
                    ),
                ),
                migrations.AlterField(
                    model_name="membership",
                    name="organisation",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="membership",
                    name="role",
                    field=models.CharField(
                        choices=[
                            ("radiologist", "Radiologist"),
                            ("clinician", "Clinician"),
                            ("technician", "Technician"),
                            ("researcher", "Researcher"),
                            ("administrator", "Administrator"),
                            ("auditor", "Auditor"),
                            ("integrator", "Integrator"),
                        ],
                        max_length=16,
                        verbose_name="role",
                    ),
                ),
                migrations.AlterField(
                    model_name="membership",
                    name="until",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="until"),
                ),
                migrations.AlterField(
                    model_name="membership",
                    name="user",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
                migrations.AlterField(
                    model_name="organisation",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="organisation",
                    name="name",
                    field=models.CharField(max_length=200, verbose_name="name"),
                ),
                migrations.AlterField(
                    model_name="organisation",
                    name="plan",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="organisations",
                        to="accounts.plan",
                        verbose_name="plan",
                    ),
                ),
                migrations.AlterField(
                    model_name="organisation",
                    name="read_first",
                    field=models.BooleanField(
                        default=False,
                        help_text="Readers write down an impression before they are sent what the models say.",
                        verbose_name="read first",
                    ),
                ),
                migrations.AlterField(
                    model_name="plan",
                    name="members",
                    field=models.PositiveIntegerField(
                        blank=True,
                        help_text="empty: without limit",
                        null=True,
                        verbose_name="members",
                    ),
                ),
                migrations.AlterField(
                    model_name="plan",
                    name="name",
                    field=models.CharField(max_length=64, verbose_name="name"),
                ),
                migrations.AlterField(
                    model_name="plan",
                    name="runs_per_month",
                    field=models.PositiveIntegerField(
                        blank=True,
                        help_text="empty: without limit",
                        null=True,
                        verbose_name="runs a month",
                    ),
                ),
                migrations.AlterField(
                    model_name="plan",
                    name="slug",
                    field=models.SlugField(max_length=64, unique=True, verbose_name="short name"),
                ),
                migrations.AlterField(
                    model_name="plan",
                    name="storage_bytes",
                    field=models.PositiveBigIntegerField(
                        blank=True,
                        help_text="empty: without limit",
                        null=True,
                        verbose_name="storage in bytes",
                    ),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="date_joined",
                    field=models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="joined at"
                    ),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="email",
                    field=models.EmailField(max_length=254, verbose_name="e-mail address"),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="is_active",
                    field=models.BooleanField(default=True, verbose_name="active"),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="is_staff",
                    field=models.BooleanField(
                        default=False, help_text="May open the admin.", verbose_name="staff"
                    ),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="language",
                    field=models.CharField(
                        blank=True,
                        default="",
                        help_text="Of their pages and e-mails.",
                        max_length=16,
                        verbose_name="language",
                    ),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="mails_runs",
                    field=models.BooleanField(
                        default=False,
                        help_text="Also tell them by mail when a run of theirs ends.",
                        verbose_name="mails about runs",
                    ),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="must_change_password",
                    field=models.BooleanField(
                        default=False, verbose_name="must change the password"
                    ),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="name",
                    field=models.CharField(blank=True, max_length=200, verbose_name="name"),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="palette",
                    field=models.CharField(
                        blank=True,
                        default="",
                        help_text="Colours of their heatmaps.",
                        max_length=16,
                        verbose_name="palette",
                    ),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="read_first",
                    field=models.BooleanField(
                        default=False,
                        help_text="Their own wish; the organisation's setting holds anyway.",
                        verbose_name="read first",
                    ),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="shortcuts",
                    field=models.BooleanField(
                        default=True,
                        help_text="Keys act on pages that have some.",
                        verbose_name="keyboard shortcuts",
                    ),
                ),
                migrations.AlterField(
                    model_name="user",
                    name="theme",
                    field=models.CharField(
                        blank=True,
                        default="",
                        help_text="Light or dark; empty: as the device.",
                        max_length=8,
                        verbose_name="theme",
                    ),
                ),
            ]
        )
    ]
