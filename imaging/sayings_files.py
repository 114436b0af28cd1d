"""What is stored in English about files that were sent, each sentence once; a table.

A reader's sentence is about “This file” until the file's name is put there.
"""

from __future__ import annotations


def _(text: str) -> str:
    """Mark a sentence for translation; it is translated where it is shown."""
    return text


NOUNS = (
    _("This file"),
    _("an image"),
    _("a PNG image"),
    _("a JPEG image"),
    _("a TIFF image"),
    _("a DICOM file"),
    _("a NIfTI volume"),
    _("a compressed NIfTI volume"),
    _("a GIF picture"),
    _("an SVG drawing"),
    _("a web page"),
    _("an XML document"),
    _("text"),
    _("a PDF document"),
    _("a ZIP archive or an office document"),
    _("an archive"),
    _("a compressed file without a NIfTI volume"),
    _("a program"),
    _("a BMP picture"),
    _("a WebP picture"),
    _("a HEIF picture"),
    _("a JPEG 2000 picture"),
    _("a Photoshop file"),
    _("a video"),
    _("an office document"),
    _("an HDF5 file"),
    _("an NRRD volume"),
    _("a NIfTI-2 volume"),
    _("half of a NIfTI pair (.hdr with .img)"),
    _("an Analyze 7.5 volume"),
    _("a BigTIFF image"),
    _("a DICOM data set without its file header"),
)
REMEDIES = (
    _("Export the picture again as PNG, JPEG, TIFF or DICOM."),
    _("Convert it to one NIfTI-1 file (.nii or .nii.gz) or to DICOM."),
    _("Save the one picture you need as PNG."),
    _("Unpack it and send the images inside."),
    _("It was not opened; send the image itself."),
    _("Save it as an ordinary TIFF or as PNG."),
    _("Export it again as a DICOM file (Part 10)."),
    _("Export it again as %(kind)s."),
    _("Export the picture again as PNG."),
    _("Save it again as NIfTI-1."),
    _("Save it again as one .nrrd file, raw or gzip."),
    _("Send the series as single slices, or convert it to NIfTI."),
)
REFUSALS = (
    _("%(file)s is empty (0 bytes). Send the file again."),
    _("The file is empty."),
    _("%(file)s is larger than %(n)s MiB. Send it in smaller parts."),
    _("%(file)s is larger than %(n)s MiB. %(remedy)s"),
    _("%(file)s is damaged or is not %(wanted)s. %(remedy)s"),
    _("%(file)s is %(found)s, which is not supported. %(remedy)s"),
    _("%(file)s is %(found)s, not %(wanted)s. %(remedy)s"),
    _("%(file)s is %(found)s, not %(wanted)s. Rename it to end in “%(ending)s” and send it again."),
    _("%(file)s is %(found)s that carries a web page inside. Export the image again without"
      " comments."),
    _("%(file)s begins like a program although it is a DICOM file. Export it again with an empty"
      " preamble."),
    _("%(file)s is %(width)s × %(height)s pixels; at most %(most)s megapixels are read. Reduce it"
      " and send it again."),
    _("%(file)s carries another file inside. %(remedy)s"),
    _("%(file)s is damaged: %(what)s. %(remedy)s"),
    _("%(file)s is damaged: its %(kind)s picture cannot be decoded. Send it again, or export it"
      " again."),
    _("%(file)s is damaged: its compressed picture has gaps. Send it again, or export it again."),
    _("%(file)s is cut short: the end of the %(kind)s picture is missing. Send it again, or export"
      " it again."),
    _("%(file)s is cut short. Send it again, or export it again as DICOM."),
    _("%(file)s is cut short. Send it again. %(remedy)s"),
    _("%(file)s is a damaged DICOM file: %(what)s. Export it again as DICOM."),
    _("%(file)s is a damaged %(kind)s file: %(what)s. %(remedy)s"),
    _("%(file)s is an animated PNG. Save the one picture you need as a still PNG."),
    _("%(file)s holds text or a colour profile that grows without end when it is unpacked. Export"
      " the picture again without metadata."),
    _("%(file)s is a JPEG of a rare kind (%(n)s bits, lossless or hierarchical), which is not"
      " supported. Export the picture again as PNG."),
    _("%(file)s holds pixels that are not numbers (NaN or infinite). Export it again."),
    _("%(file)s holds pixel values above 31 bits. Save it in grey of 8 or 16 bits."),
    _("%(file)s has more than %(n)s pages or a circle of pages. Save the one page you need as"
      " PNG."),
    _("%(file)s is a TIFF of %(n)s samples of %(bits)s bits, of a kind that is not supported. Save"
      " it in grey of 8 or 16 bits."),
    _("%(file)s is a TIFF with compression %(kind)s, which is not supported. Save it without"
      " compression or with LZW."),
    # archives
    _("%(file)s is an archive with a path that leads out of it. Nothing was taken from it; pack"
      " the images again."),
    _("%(file)s is an archive that holds two files of one name. Nothing was taken from it; give"
      " each its own name and pack them again."),
    _("%(file)s is an archive whose files share their bytes, as bombs do. Nothing was taken from"
      " it; pack the images again."),
    _("%(file)s is an archive whose files are not what it says of them (size or checksum). Nothing"
      " was taken from it; pack the images again."),
    _("%(file)s is an archive of more than %(n)s files. Send it in parts."),
    _("%(file)s is an archive that unpacks to more than is read at once (a file of it, or all"
      " together). Send its files in parts."),
    _("%(file)s is an archive without files. Pack the images and send it again."),
    _("%(file)s is a link, which is not followed. Send the file."),
    _("%(file)s is a device, not a file. Leave it out."),
    _("%(file)s is locked by a password. Send the archive without one."),
    _("%(file)s is packed by a method that is not read here. Pack it as an ordinary ZIP."),
    _("%(file)s is a damaged ZIP archive. Pack and send it again."),
    _("An archive of %(n)s files; each stands below with its own outcome."),
    _("A list of %(n)s images; all of them are here."),
    _("A list of %(n)s images; %(missing)s of them were not sent."),
    _("%(file)s equals another one of this upload, refused above."),
    # DICOM
    _("%(file)s is %(found)s. MediScan analyses X-ray (CR, DX, RG, PX), CT and MR images; send one"
      " of those."),
    _("%(file)s is a DICOM header without a picture (no Pixel Data). Export the image itself."),
    _("%(file)s is %(found)s, not an image. Send the images themselves."),
    _("%(file)s holds no picture. Export the image itself."),
    _("%(file)s is a mosaic, many slices side by side in one picture, and %(why)s. %(remedy)s"),
    _("%(file)s holds floating-point pixels, which are not supported. Send 8 or 16 bits."),
    _("%(file)s has pixels of a kind (%(kind)s, %(n)s samples) that is not supported. Send it as"
      " MONOCHROME2."),
    _("%(file)s has %(n)s bits per sample (%(used)s used), which is not supported. Send 8 or 16"
      " bits."),
    _("%(file)s is cut short: %(size)s pixels need %(needed)s bytes, %(present)s are there. Send"
      " it again."),
    _("%(file)s is cut short: %(size)s pixels%(frames)s need %(needed)s bytes, %(present)s are"
      " there. Send it again."),
    _("%(file)s does not say which part of its compressed pixels is which frame. Send Explicit VR"
      " Little Endian."),
    _("%(file)s says %(size)s pixels of %(n)s samples in its header and %(other)s of %(m)s in its"
      " compressed picture. Export it again."),
    _("%(file)s nests sequences more than %(n)s deep. Export it again without private data."),
    _("%(file)s has a header of more than %(n)s elements. Export it again without private data."),
    _("%(file)s has a DICOM header too large to be one of an image. Export it again."),
    _("Transfer syntax %(name)s is not supported. Send Explicit VR Little Endian."),
    _("%(file)s does not say its transfer syntax. Export it again as DICOM in Explicit VR Little"
      " Endian."),
    _("%(file)s inflates to more than %(n)s MiB. Send it in Explicit VR Little Endian."),
    _("%(file)s states %(n)s frames; at most %(most)s are read. Send it in parts."),
    _("%(file)s holds %(n)s frames that are no stack of slices (a film or a series of captures)."
      " Send the one frame you need as a single image."),
    _("%(file)s holds several stacks of slices. Send it on the site, which makes an image of each,"
      " or export the stack you need."),
    _("%(file)s holds several frames in one place: a film, or phases that it does not tell apart."
      " Send the one volume or frame you need."),
    _("This series mixes more than %(n)s sizes and orientations. Send its parts one by one."),
    _("This series has slices %(n)s mm apart, which cannot be. Export it again."),
    _("This series has slices at uneven distances: up to %(off)s mm off an even step of %(step)s"
      " mm. Send the evenly spaced parts one by one, or a reconstruction with even spacing."),
    _("This series lacks %(missing)s of %(n)s slices. Send it whole, or its parts one by one."),
    _("This series has two slices in one place (%(where)s), and nothing tells which is meant. Send"
      " each version as a series of its own."),
    _("This series has more than %(n)s mosaics, each a volume of its own. Send those you need."),
    _("This series has more than %(n)s slices. Send it in parts."),
    _("This series is %(size)s voxels; at most %(most)s million are read. Send it in parts."),
    _("%(kind)s is not analysed here; X-ray (CR, DX, RG, PX), MR and CT are."),
    _("The file belongs to a study that is stored here for another patient. Check the record"
      " number and send the right file."),
    _("The file is of another study than the one that it was sent to. Send it to its own."),
    _("Another file with the same SOP Instance UID is stored here, and this one differs from it."
      " Export the image as a new instance."),
    _("%(file)s belongs to a study that was deleted here and can still be restored. Ask an"
      " administrator of your organisation."),
    _("It does not say what it shows. Send it again and choose X-ray, MRI or CT."),
    # volumes
    _("%(file)s has %(kind)s voxels, which are not supported. Save whole numbers or floats."),
    _("%(file)s holds voxel values above 31 bits. Save it as 16-bit numbers or floats."),
    _("%(file)s is %(size)s voxels; at most %(most)s million are read. Reduce it and send it"
      " again."),
    _("%(file)s needs %(n)s MiB unpacked; at most %(most)s MiB are read. Reduce it and send it"
      " again."),
    _("%(file)s holds voxels that are not numbers (NaN or infinite). Replace them and save it"
      " again."),
    _("%(file)s holds %(n)s volumes (it has more than three dimensions). Send one volume per file,"
      " or ask for the first one when you upload."),
    _("%(file)s is a header whose voxels lie in another file. Save both as one .nrrd file."),
    _("%(file)s keeps its voxels as “%(kind)s”, which is not supported. Save it as raw or gzip."),
    _("%(file)s holds several values for each voxel, or several volumes. Save one volume of one"
      " value each."),
    # the house itself
    _("The file could not be read: the reading process stopped (too large or damaged)."),
    _("The file took too long to read. Send it uncompressed, or a smaller one."),
    _("The file needs more memory to open than is allowed. Send a smaller image."),
    _("The image is larger than may be stored. Send a smaller image."),
    _("The file could not be read; it may be damaged. Export it anew and send that."),
    _("The file could not be read within the limits of memory and time. Send a smaller image."),
    _("The series of this file could not be read within the limits of memory and time. Send it in"
      " parts."),
    _("The file could not be taken in, through no fault of yours. Send it again later."),
    _("The file has %(n)s MiB; at most %(most)s MiB are taken. Send it in smaller parts."),
    _("The server has no room left for files. Ask the administrator, then send it again."),
    _("Not all of this file is here. Send it again."),
    _("Only a part of this file arrived before the upload was closed. Send it again."),
    _("The upload was given up before this file was read."),
    # letterheads
    _("%(file)s is no PNG and no JPEG. Save the logo as one."),
    _("%(file)s is smaller than %(n)s pixels on a side. Send a larger one."),
)  # fmt: skip
REMARKS = (
    _("A part was left out. %(sentence)s"),
    _("Colour was turned to grey."),
    _("Colour or transparency of %(n)s bits was reduced to 8 bits."),
    _("Transparent parts were laid on black."),
    _("Only the first of %(n)s pages was read."),
    _("%(n)s bytes behind the picture were left out."),
    _("%(asked)s was chosen; the file says %(found)s and is believed."),
    _("No pixel spacing in the file: measures are in pixels."),
    _("No voxel size in the file: measures are in voxels."),
    _("No position in the file: left and right are not known."),
    _("No origin in the file: the first voxel is taken for it."),
    _("The file names no unit of length; millimetres are assumed."),
    _("The first of %(n)s volumes was read."),
    _("A UID in the header is malformed and was left out."),
    _("This is a raw image “for processing”, not one for presentation."),
    _("The file names a character set that is not known; names may be wrong."),
    _("Some letters in the header do not fit its character set; names may be wrong."),
    _("The file names no character set for its special letters; names may be wrong."),
    _("The file does not say its modality; choose it when you upload."),
    _("The mosaic does not say where its slices lie: left and right are not known, and nothing is"
      " measured in millimetres."),
    _("The slices do not say where they lie: they stand in the order of their numbers, left and"
      " right are not known, and nothing is measured in millimetres."),
    _("The slices are stacked at a slant of %(n)s° (gantry tilt); it is kept."),
    _("The slices lie %(found)s mm apart; the file speaks of %(said)s mm. Their places are"
      " believed."),
    _("%(n)s slice is missing between %(before)s and %(after)s and left empty."),
    _("%(n)s slices are missing between %(before)s and %(after)s and left empty."),
    _("%(n)s more slices are missing and left empty."),
    _("The slices are spaced unevenly, up to %(n)s mm off."),
    _("Padding differs between the slices and counts as tissue."),
    _("No valid rescale in the file: values are not Hounsfield units."),
    _("Padding cannot be told from tissue after the file's lookup table."),
    _("%(n)s file(s) of this series came in an earlier upload: this image holds them and those"
      " that came now. The earlier image stays, with its results."),
    _("More of this series came later: a newer image of %(n)s slices holds this one's too."),
    _("%(n)s file(s) of this series came in an earlier upload. These do not form one volume with"
      " them, so they are an image of their own."),
)  # fmt: skip
FILES = (*NOUNS, *REMEDIES, *REFUSALS, *REMARKS)
