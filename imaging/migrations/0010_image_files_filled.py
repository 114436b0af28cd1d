"""Every image so far came of one file: name it as such."""

from django.db import migrations

AT_ONCE = 1000


def name_the_one_file(apps, schema_editor):
    image, file = (apps.get_model("imaging", name) for name in ("Image", "ImageFile"))
    known = image.objects.filter(files=None).values_list("pk", "source_id", "sop_instance_uid")
    rows = (
        file(image_id=pk, source_id=source, position=0, sop_instance_uid=uid)
        for pk, source, uid in list(known)
    )
    file.objects.bulk_create(rows, batch_size=AT_ONCE)


class Migration(migrations.Migration):
    dependencies = [("imaging", "0009_image_files")]
    operations = [migrations.RunPython(name_the_one_file, migrations.RunPython.noop)]
