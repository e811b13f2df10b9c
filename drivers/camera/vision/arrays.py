"""The two kinds of array that vision passes around."""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]  # (height, width, 3) BGR
Floats: TypeAlias = NDArray[np.float32]
