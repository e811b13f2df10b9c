"""Pictures out of bytes that a camera sent: never one that is too large to be kept in memory."""

import numpy as np

from drivers.camera.jpeg import fits, size_of
from drivers.camera.vision.arrays import Image


def unpacked(data: bytes, how: int) -> Image | None:
    """`how`: one of cv2.IMREAD_…; None when it is no picture, or one that is too large. OpenCV
    itself refuses PNG and BMP of more than OPENCV_IO_MAX_IMAGE_PIXELS, which the child is given,
    and looks only at what becomes of a JPEG that is made smaller."""
    import cv2

    size = size_of(data)
    if not data or (size is not None and not fits(size)):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), how)
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, np.uint8)
