"""Name tables and fields in words that are translated; the database does not change."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import accounts.vault.fields
from accounts.words_only import WordsOnly


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0018_words_of_the_admin"),
        ("imaging", "0033_rule"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        WordsOnly(
            [
                migrations.AlterModelOptions(
                    name="ensemble",
                    options={
                        "ordering": ["name", "number"],
                        "verbose_name": "ensemble",
                        "verbose_name_plural": "ensembles",
                    },
                ),
                migrations.AlterModelOptions(
                    name="ensemblemember",
                    options={
                        "ordering": ["position"],
                        "verbose_name": "member",
                        "verbose_name_plural": "members",
                    },
                ),
                migrations.AlterModelOptions(
                    name="heartbeat",
                    options={
                        "ordering": ["name"],
                        "verbose_name": "heartbeat",
                        "verbose_name_plural": "heartbeats",
                    },
                ),
                migrations.AlterModelOptions(
                    name="job",
                    options={
                        "ordering": ["position"],
                        "verbose_name": "job",
                        "verbose_name_plural": "jobs",
                    },
                ),
                migrations.AlterModelOptions(
                    name="member",
                    options={
                        "ordering": ["position"],
                        "verbose_name": "member",
                        "verbose_name_plural": "members",
                    },
                ),
                migrations.AlterModelOptions(
                    name="modelupload",
                    options={
                        "ordering": ["-created_at", "-id"],
                        "verbose_name": "model on its way in",
                        "verbose_name_plural": "models on their way in",
                    },
                ),
                migrations.AlterModelOptions(
                    name="modelversion",
                    options={
                        "ordering": ["name", "version"],
                        "verbose_name": "model version",
                        "verbose_name_plural": "model versions",
                    },
                ),
                migrations.AlterModelOptions(
                    name="patient",
                    options={"verbose_name": "patient", "verbose_name_plural": "patients"},
                ),
                migrations.AlterModelOptions(
                    name="run",
                    options={
                        "ordering": ["-created_at", "-id"],
                        "verbose_name": "run",
                        "verbose_name_plural": "runs",
                    },
                ),
                migrations.AlterModelOptions(
                    name="study",
                    options={
                        "ordering": ["-created_at", "-id"],
                        "verbose_name": "study",
                        "verbose_name_plural": "studies",
                    },
                ),
                migrations.AlterModelOptions(
                    name="upload",
                    options={
                        "ordering": ["-created_at"],
                        "verbose_name": "upload",
                        "verbose_name_plural": "uploads",
                    },
                ),
                migrations.AlterField(
                    model_name="assignment",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="assignment",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="breakglass",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="breakglass",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="created_by",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="proposed by",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="decided_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="decided at"),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="decided_by",
                    field=models.ForeignKey(
                        blank=True,
                        help_text="none: the machine's operator, or it came with the house",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="fusion",
                    field=models.CharField(
                        choices=[
                            ("mean", "Weighted mean"),
                            ("majority", "Weighted majority vote"),
                            ("staple", "STAPLE"),
                        ],
                        default="mean",
                        max_length=12,
                        verbose_name="joined by",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="modalities",
                    field=models.JSONField(default=list, verbose_name="modalities"),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="name",
                    field=models.CharField(max_length=64, verbose_name="name"),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="number",
                    field=models.PositiveSmallIntegerField(
                        default=1, help_text="its version under this name", verbose_name="number"
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="organisation",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="reason",
                    field=models.CharField(
                        blank=True,
                        help_text="why it was declined",
                        max_length=300,
                        verbose_name="reason",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="severity",
                    field=models.JSONField(blank=True, null=True, verbose_name="severity rule"),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="state",
                    field=models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("approved", "Approved"),
                            ("declined", "Declined"),
                            ("replaced", "Replaced"),
                        ],
                        default="proposed",
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="suggested",
                    field=models.JSONField(
                        blank=True,
                        help_text="weights and threshold that tune_ensemble proposed",
                        null=True,
                        verbose_name="suggested",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="threshold",
                    field=models.FloatField(default=0.5, verbose_name="threshold"),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="thresholds",
                    field=models.JSONField(
                        blank=True,
                        default=dict,
                        help_text="its own, by label, for classes and boxes",
                        verbose_name="thresholds",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="title",
                    field=models.CharField(blank=True, max_length=200, verbose_name="title"),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="type",
                    field=models.CharField(
                        default="segmentation", max_length=16, verbose_name="type"
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemble",
                    name="union",
                    field=models.BooleanField(
                        default=False,
                        help_text="classification: each label is averaged over who knows it",
                        verbose_name="all labels",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemblemember",
                    name="device",
                    field=models.CharField(default="auto", max_length=16, verbose_name="device"),
                ),
                migrations.AlterField(
                    model_name="ensemblemember",
                    name="model_version",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imaging.modelversion",
                        verbose_name="model version",
                    ),
                ),
                migrations.AlterField(
                    model_name="ensemblemember",
                    name="position",
                    field=models.PositiveSmallIntegerField(verbose_name="place"),
                ),
                migrations.AlterField(
                    model_name="ensemblemember",
                    name="weight",
                    field=models.FloatField(default=1, verbose_name="weight"),
                ),
                migrations.AlterField(
                    model_name="heartbeat",
                    name="at",
                    field=models.DateTimeField(verbose_name="when"),
                ),
                migrations.AlterField(
                    model_name="heartbeat",
                    name="facts",
                    field=models.JSONField(default=dict, verbose_name="facts"),
                ),
                migrations.AlterField(
                    model_name="heartbeat",
                    name="name",
                    field=models.CharField(
                        max_length=64, primary_key=True, serialize=False, verbose_name="name"
                    ),
                ),
                migrations.AlterField(
                    model_name="image",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="image",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="instance",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="instance",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="attempt",
                    field=models.PositiveSmallIntegerField(
                        default=0, editable=False, verbose_name="attempt"
                    ),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="deaths",
                    field=models.PositiveSmallIntegerField(
                        default=0, editable=False, verbose_name="lost workers"
                    ),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="error",
                    field=models.CharField(
                        blank=True,
                        help_text="Shown to the user.",
                        max_length=500,
                        verbose_name="reason",
                    ),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="finished_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="finished at"),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="image",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="imaging.image",
                        verbose_name="image",
                    ),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="lease_until",
                    field=models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="lease until"
                    ),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="position",
                    field=models.PositiveIntegerField(default=0, verbose_name="place"),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="run",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="imaging.run",
                        verbose_name="run",
                    ),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="rung_at",
                    field=models.DateTimeField(
                        blank=True, editable=False, null=True, verbose_name="queue told at"
                    ),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="started_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="started at"),
                ),
                migrations.AlterField(
                    model_name="job",
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
                    model_name="job",
                    name="step",
                    field=models.CharField(blank=True, max_length=120, verbose_name="step"),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="steps_done",
                    field=models.PositiveSmallIntegerField(default=0, verbose_name="steps done"),
                ),
                migrations.AlterField(
                    model_name="job",
                    name="steps_total",
                    field=models.PositiveSmallIntegerField(default=0, verbose_name="steps in all"),
                ),
                migrations.AlterField(
                    model_name="lesion",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="lesion",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="measurement",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="measurement",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="member",
                    name="device",
                    field=models.CharField(max_length=16, verbose_name="device"),
                ),
                migrations.AlterField(
                    model_name="member",
                    name="model_version",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="imaging.modelversion",
                        verbose_name="model version",
                    ),
                ),
                migrations.AlterField(
                    model_name="member",
                    name="position",
                    field=models.PositiveSmallIntegerField(verbose_name="place"),
                ),
                migrations.AlterField(
                    model_name="member",
                    name="share",
                    field=models.FloatField(
                        help_text="weight over the sum of weights, 0 to 1", verbose_name="share"
                    ),
                ),
                migrations.AlterField(
                    model_name="member",
                    name="weight",
                    field=models.FloatField(verbose_name="weight"),
                ),
                migrations.AlterField(
                    model_name="memberoutcome",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="memberoutcome",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="modelupload",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="modelupload",
                    name="error",
                    field=models.CharField(
                        blank=True, editable=False, max_length=500, verbose_name="reason"
                    ),
                ),
                migrations.AlterField(
                    model_name="modelupload",
                    name="finished_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="finished at"),
                ),
                migrations.AlterField(
                    model_name="modelupload",
                    name="model_version",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="imaging.modelversion",
                        verbose_name="model version",
                    ),
                ),
                migrations.AlterField(
                    model_name="modelupload",
                    name="name",
                    field=models.CharField(editable=False, max_length=255, verbose_name="file"),
                ),
                migrations.AlterField(
                    model_name="modelupload",
                    name="sha256",
                    field=models.CharField(editable=False, max_length=64, verbose_name="SHA-256"),
                ),
                migrations.AlterField(
                    model_name="modelupload",
                    name="size",
                    field=models.PositiveBigIntegerField(
                        editable=False, verbose_name="size in bytes"
                    ),
                ),
                migrations.AlterField(
                    model_name="modelupload",
                    name="status",
                    field=models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("asking", "Asking"),
                            ("succeeded", "Succeeded"),
                            ("failed", "Failed"),
                        ],
                        default="queued",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                migrations.AlterField(
                    model_name="modelupload",
                    name="user",
                    field=models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent by",
                    ),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="added_by",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="added by",
                    ),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="facts",
                    field=models.JSONField(blank=True, default=dict, verbose_name="facts"),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="framework",
                    field=models.CharField(max_length=16, verbose_name="framework"),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="labels",
                    field=models.JSONField(
                        default=list,
                        help_text="finding labels, in channel order",
                        verbose_name="labels",
                    ),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="metadata",
                    field=models.JSONField(default=dict, verbose_name="metadata"),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="modalities",
                    field=models.JSONField(
                        default=list, help_text='for instance ["xray"]', verbose_name="modalities"
                    ),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="name",
                    field=models.CharField(max_length=64, verbose_name="name"),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="origin",
                    field=models.CharField(
                        choices=[("folder", "The models folder"), ("store", "Taken in")],
                        default="folder",
                        max_length=8,
                        verbose_name="origin",
                    ),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="problem",
                    field=models.CharField(blank=True, max_length=500, verbose_name="problem"),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="sha256",
                    field=models.JSONField(
                        default=dict,
                        help_text="{file: hex} of every model file",
                        verbose_name="SHA-256",
                    ),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="state",
                    field=models.CharField(
                        choices=[
                            ("draft", "Draft"),
                            ("checked", "Checked"),
                            ("active", "Active"),
                            ("retired", "Retired"),
                            ("quarantined", "Quarantined"),
                        ],
                        default="draft",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="threshold",
                    field=models.FloatField(default=0.5, verbose_name="threshold"),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="type",
                    field=models.CharField(max_length=16, verbose_name="type"),
                ),
                migrations.AlterField(
                    model_name="modelversion",
                    name="version",
                    field=models.CharField(max_length=32, verbose_name="version"),
                ),
                migrations.AlterField(
                    model_name="patient",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="patient",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="result",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="result",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="resultmap",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="resultmap",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="cancelled_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="cancelled at"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="cohort",
                    field=models.ForeignKey(
                        blank=True,
                        help_text="a researcher's: it stands in no record and no list of those who treat",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to="imaging.cohort",
                        verbose_name="cohort",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="ensemble",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="runs",
                        to="imaging.ensemble",
                        verbose_name="ensemble",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="frozen",
                    field=models.JSONField(
                        help_text="the EnsembleSpec as it was when the run was asked for",
                        verbose_name="ensemble as it was",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="override_of",
                    field=models.ForeignKey(
                        blank=True,
                        help_text="the refusal of the input gate that a person set aside",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="overrides",
                        to="imaging.result",
                        verbose_name="set aside",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="override_reason",
                    field=accounts.vault.fields.SealedTextField(
                        blank=True, default="", verbose_name="reason"
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="requested_by",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="runs",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="requested by",
                    ),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="threshold",
                    field=models.FloatField(verbose_name="threshold"),
                ),
                migrations.AlterField(
                    model_name="run",
                    name="title",
                    field=models.CharField(max_length=200, verbose_name="title"),
                ),
                migrations.AlterField(
                    model_name="series",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="series",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="sourcefile",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="sourcefile",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="study",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="study",
                    name="department",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                        verbose_name="department",
                    ),
                ),
                migrations.AlterField(
                    model_name="study",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="attempt",
                    field=models.PositiveIntegerField(
                        default=0, editable=False, verbose_name="attempt"
                    ),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="deaths",
                    field=models.PositiveSmallIntegerField(
                        default=0, editable=False, verbose_name="lost workers"
                    ),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="department",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                        verbose_name="department",
                    ),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="finished_at",
                    field=models.DateTimeField(blank=True, null=True, verbose_name="finished at"),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="first_volume",
                    field=models.BooleanField(
                        default=False,
                        help_text="of a NIfTI file of several volumes take the first",
                        verbose_name="first volume",
                    ),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="keep_known",
                    field=models.BooleanField(
                        default=False,
                        help_text="keep a second copy of a picture that is here; never of DICOM",
                        verbose_name="keep known pictures",
                    ),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="modality",
                    field=models.CharField(
                        blank=True,
                        choices=[("xray", "X-ray"), ("mri", "MRI"), ("ct", "CT")],
                        max_length=8,
                        verbose_name="modality",
                    ),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="upload",
                    name="user",
                    field=models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="uploads",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="sent by",
                    ),
                ),
                migrations.AlterField(
                    model_name="uploaditem",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="uploaditem",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="rule",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="rule",
                    name="department",
                    field=models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.department",
                        verbose_name="department",
                    ),
                ),
                migrations.AlterField(
                    model_name="rule",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
                migrations.AlterField(
                    model_name="rulematch",
                    name="created_at",
                    field=models.DateTimeField(auto_now_add=True, verbose_name="created at"),
                ),
                migrations.AlterField(
                    model_name="rulematch",
                    name="organisation",
                    field=models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organisation",
                        verbose_name="organisation",
                    ),
                ),
            ]
        )
    ]
