"""What is stored in English about results, jobs and exports, each sentence once; a table."""

from __future__ import annotations


def _(text: str) -> str:
    """Mark a sentence for translation; it is translated where it is shown."""
    return text


RESULTS = (
    # the words that stand in others
    _("whole image"),
    _("foreground"),
    _("organ"),
    _("Low"),
    _("Moderate"),
    _("High"),
    _("above %(cut)s"),
    _("below %(cut)s"),
    _("from %(low)s to %(high)s"),
    _("an X-ray"),
    _("an MRI"),
    _("a CT"),
    # severity
    _("No lesion was found at this threshold."),
    _("There is no lesion at this threshold."),
    _("All of the finding lies outside the %(basis)s."),
    _("%(share)s %% of the finding lies outside the %(basis)s."),
    _("%(word)s by area alone: the area, %(area)s %% of the %(basis)s, is %(place)s."),
    _("%(word)s: the area, %(area)s %% of the %(basis)s, is %(place)s, and circularity"
      " %(shape)s is %(other)s."),
    _("High, because the area, %(area)s %% of the %(basis)s, is %(place)s."),
    _("High, because circularity %(shape)s is %(place)s."),
    _("High, because the area, %(area)s %% of the %(basis)s, is %(place)s and circularity"
      " %(shape)s is %(other)s."),
    _("default cuts for the %(basis)s"),
    _("The rule's cuts are for the %(basis)s; the area is counted of the %(other)s, so the"
      " default cuts for that are used."),
    # why a measure has no value
    _("Only %(n)s pixels of background are left to compare with."),
    _("The background's mean is zero."),
    _("The background has one value only."),
    _("All of it lies outside the denominator."),
    _("Below %(n)s pixels a shape is not measured."),
    _("Below %(n)s voxels a sphericity is not measured."),
    _("No pixel in it has a value."),
    _("The picture has one value only."),
    _("A single pixel has no diameter."),
    _("The pixel size in millimetres is not known."),
    _("The pixel size is known at the detector plane only, so sizes are given in pixels."),
    _("The places of the slices are not known."),
    _("The slices lie at uneven distances."),
    _("Slices are missing."),
    _("A volume is measured in millilitres."),
    _("A single picture has no volume."),
    # agreement
    _("The models disagree: %(small)s finds nothing, %(large)s marks %(share)s of the %(basis)s."),
    _("The models agree: none of them finds anything at this threshold."),
    _("The models disagree: %(a)s and %(b)s overlap with a Dice of only %(value)s."),
    _("The models disagree: %(large)s marks %(times)s times the area of %(small)s."),
    _("The models agree: %(a)s and %(b)s, the least alike, overlap with a Dice of %(value)s."),
    _("The models agree on every class."),
    _("The models disagree on %(label)s: %(yes)s, %(no)s does not."),
    _("The models disagree on %(label)s: %(yes)s, %(no)s do not."),
    _("The models agree on every box."),
    _("The models agree on that there is nothing to mark."),
    _("The models disagree: %(alone)s of %(kept)s box(es) were not drawn by %(models)s."),
    # where a model ran
    _("CUDA is not available on this machine; ran on CPU."),
    _("This machine has no %(device)s, only %(n)s CUDA device(s); ran on CPU."),
    _("The GPU ran out of memory; ran on CPU."),
    _("The GPU ran out of memory; %(words)s."),
    _("Memory ran out; %(words)s."),
    _("ran again once loaded models had made room"),
    _("ran one window at a time"),
    _("ran one slice at a time"),
    _("ONNX Runtime has no CUDA on this machine; ran on CPU."),
    _("Weight 0: not run."),
    # the input check
    _("Not analysed: %(reasons)s"),
    _("This is %(own)s; the model reads %(made_for)s."),
    _("This is a localizer, taken to plan the series."),
    _("The model reads volumes; this image has %(n)s slice(s), at least %(least)s are needed."),
    _("The file says %(part)s; the model was made for %(wanted)s."),
    _("Its values reach from %(low)s to %(high)s; the model was made for %(least)s to %(most)s."),
    _("All values lie between 0 and 255: a CT that was windowed before, not Hounsfield units."),
    _("Nearly all of it has one value: there is nothing to see."),
    _("Its short side has %(n)s pixels; at least %(least)s are needed."),
    _("Its short side has %(n)s pixels, less than a quarter of what the model reads."),
    _("It does not look like the pictures that the model was trained on: %(far)s times the"
      " distance at which one in two hundred of those lies."),
    # what a list shows
    _("%(share)s of whole image"),
    _("%(share)s of foreground"),
    _("%(share)s of organ"),
    _("Not analysed"),
    _("Nothing was measured."),
    _("Classes have a probability and no area: severity is not assessed."),
    _("A box is not the area of a lesion: severity is not assessed."),
    _("None reaches its threshold; highest %(label)s"),
    _("Uncertain; highest %(label)s"),
    _("No box"),
    _("No box; highest score %(score)s"),
    _("1 box, %(label)s"),
    _("%(n)s boxes, %(label)s"),
    # jobs
    _("The analysis failed unexpectedly."),
    _("The analysis process stopped unexpectedly (out of memory or a damaged file)."),
    _("The analysis took too long and was stopped."),
    _("The worker died three times on this image."),
    _("This image holds no valid pixel: all of it is padding."),
    _("%(model)s reads volumes; this image has %(n)s slice(s), at least %(least)s are needed."),
    _("%(model)s needs the sides of the body (%(sides)s); this image does not say which side is"
      " which."),
    _("%(model)s needs the voxel size in millimetres; this image has none."),
    _("The models mark %(n)s separate regions in this image; at most %(most)s can be listed."
      " Raise the threshold or choose other models."),
    _("There was not enough memory for this analysis. Choose fewer or smaller models, or a"
      " smaller image."),
    _("There is no room left for the result. Ask the administrator to free some."),
    _("Model “%(model)s” needs more memory for this image than the machine gives."),
    _("Model “%(model)s” is there in version %(found)s, but version %(wanted)s is asked for."),
    _("Model “%(model)s”: version %(wanted)s was asked for, the models folder holds %(found)s."),
    _("Model “%(model)s” %(version)s returned values that are not numbers."),
    # edited masks
    _("The edited mask could not be measured. Save it again, or decide without it."),
    _("The edited mask is too much for the memory or the time of this machine."),
    _("%(file)s is no PNG and no NIfTI file: save the mask as one."),
    _("%(file)s is %(found)s pixels; the image is %(wanted)s pixels. Save the mask on the image's"
      " own grid, without scaling or cropping it."),
    _("%(file)s lies elsewhere than the image: its axes or its origin differ. Export the mask in"
      " the image's own space."),
    _("%(file)s is no mask: it must hold 0 where nothing is marked and one other value where"
      " something is."),
    # exports
    _("Nothing could be put into the file: below stands why, for each result."),
    _("The report could not be laid out. The log names the reason."),
    _("The file could not be made. Try again, or ask an administrator."),
    _("The worker died three times while making this file. Try a smaller selection."),
    _("Its report could not be laid out."),
    _("It could not be made: its stored data are damaged."),
    _("It has no mask: it is of classes or boxes, or was not analysed."),
    _("A volume that was not sent as DICOM has none to refer to: its mask leaves as NIfTI."),
    _("Its DICOM file holds several frames: no SEG is made of it."),
    _("Its pixels may show text, and nobody has looked: it stays in the house."),
    _("Its colours are compressed, or fill not all their bits: what lies there is not known."),
    _("Its pixels are larger than 4 GiB, unpacked."),
    _("Nothing of this cohort can leave as DICOM."),
    _("Slices of it are missing: no SEG is made of it."),
    _("Its DICOM header does not say what it is: no SEG is made."),
    _("Its DICOM header lacks what a SEG and an SR must say (%(what)s)."),
    # why a rule started nothing
    _("%(model)s reads volumes, and a chosen image is a single picture."),
    _("%(model)s was made for %(own)s; the images are %(other)s."),
    _("The worker died three times while drawing this letterhead. Send the logo as another file."),
    _("A report with this letterhead could not be laid out. Shorten its texts."),
)  # fmt: skip
