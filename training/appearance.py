"""Changes how a radiograph looks, never where its lungs are: tone, field, sharpness, objects."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Step = Callable[[np.ndarray, np.random.Generator], np.ndarray]

UNCHANGED_SHARE = 0.1


def change_appearance(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply a random choice of the steps below, in their order, to (Y, X) float32 in 0–1."""
    if rng.random() < UNCHANGED_SHARE:
        return image
    for step, share in STEPS:
        if rng.random() < share:
            image = np.clip(step(image, rng), 0, 1).astype(np.float32)
    return image


def bend_tones(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply a random rising tone curve of straight pieces."""
    pieces = int(rng.integers(3, 8))
    heights = np.concatenate([[0], np.cumsum(rng.dirichlet(np.full(pieces, 1.5)))])
    return np.interp(image, np.linspace(0, 1, pieces + 1), heights)


def apply_gamma(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Raise to a power between 0.4 and 2.5, log-uniform."""
    return np.power(image, np.exp(rng.uniform(np.log(0.4), np.log(2.5))))


def change_contrast(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Stretch about mid-grey and shift; what leaves 0–1 is lost, as on a saturated film."""
    return (image - 0.5) * rng.uniform(0.6, 1.6) + 0.5 + rng.uniform(-0.2, 0.2)


def equalise_locally(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply contrast-limited adaptive histogram equalisation."""
    tiles = int(rng.integers(2, 9))
    clahe = cv2.createCLAHE(clipLimit=rng.uniform(1, 6), tileGridSize=(tiles, tiles))
    return clahe.apply((image * 255).astype(np.uint8)).astype(np.float32) / 255


def add_field(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Multiply by a smooth uneven exposure."""
    cells = int(rng.integers(2, 5))
    coarse = rng.uniform(-0.4, 0.4, (cells, cells)).astype(np.float32)
    return image * (1 + cv2.resize(coarse, image.shape[::-1], interpolation=cv2.INTER_CUBIC))


def change_sharpness(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur, or enhance edges as computed radiography does."""
    if rng.random() < 0.5:
        return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8))
    smooth = cv2.GaussianBlur(image, (0, 0), rng.uniform(1, 8))
    return image + rng.uniform(0.3, 1.5) * (image - smooth)


def lose_resolution(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Shrink and enlarge again."""
    size = int(image.shape[0] * rng.uniform(0.35, 0.8))
    small = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[::-1], interpolation=cv2.INTER_LINEAR)


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise, at times coarse-grained."""
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    if rng.random() < 0.3:
        noise = 2 * cv2.GaussianBlur(noise, (0, 0), 1)
    return image + rng.uniform(0.01, 0.08) * noise


def compress(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pass through a lossy JPEG."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 70))]
    _, coded = cv2.imencode(".jpg", (image * 255).astype(np.uint8), quality)
    return cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255


def draw_objects(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw bright side letters, plates and wires over the picture."""
    canvas, size = (image * 255).astype(np.uint8), image.shape[0]
    for _ in range(rng.integers(1, 4)):
        x, y = (int(value) for value in rng.integers(0, size, 2))
        value, kind = int(rng.integers(150, 256)), rng.random()
        if kind < 0.4:
            letter = str(rng.choice(list("LRAPX")))
            font = cv2.FONT_HERSHEY_SIMPLEX
            cv2.putText(canvas, letter, (x, y), font, rng.uniform(0.4, 1.4), value, 2)
        elif kind < 0.8:
            width, height = (int(value) for value in rng.integers(4, size // 8, 2))
            cv2.rectangle(canvas, (x, y), (x + width, y + height), value, -1)
        else:
            end = tuple(int(value) for value in rng.integers(0, size, 2))
            cv2.line(canvas, (x, y), end, value, int(rng.integers(1, 3)))
    return canvas.astype(np.float32) / 255


STEPS: tuple[tuple[Step, float], ...] = (
    (bend_tones, 0.5),
    (apply_gamma, 0.6),
    (change_contrast, 0.5),
    (equalise_locally, 0.25),
    (add_field, 0.35),
    (change_sharpness, 0.4),
    (lose_resolution, 0.15),
    (add_noise, 0.35),
    (compress, 0.15),
    (draw_objects, 0.3),
)
