"""From images of any size to the network's input."""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from keras_deephash.checks import check_integer, check_option
from keras_deephash.images import from_rgb, read_image
from keras_deephash.keras_classes import register

CHANNEL_ORDERS = ("rgb", "bgr")
# How images become pixels. What changes codes raises it; codes of different versions do
# not mix. Version 1 dropped transparency, and turned photos that a program had turned.
# Versions before 3 shrank large photos in one step, and left to Pillow which side came
# first: other pixels, by a few levels.
PREPROCESSING_VERSION = 3
# Images of more pixels are averaged over squares first and resized then, with this many
# pixels left for each one of the result: several times faster.
_LARGE = 1 << 21
_PIXELS_LEFT = 3.0


@register
class Preprocessor:
    """Resizes, pads, crops and normalizes images; saved with every preset.

    An image is resized to `resize_size` squared and padded on each side by
    reflection: the canvas. Training takes random crops of the canvas, evaluation
    the centre crop or ten crops (corners and centre, and their mirror images). An
    image that already has `image_size` is taken as cropped.

    Resizing runs in integer arithmetic, the same on every machine. Normalization,
    `(pixels - mean) * scale`, happens inside the model.

    Args:
        image_size: int. Height and width of the network's input in pixels.
        resize_size: int. Height and width in pixels that an image is resized to,
            at least `image_size`. Defaults to `image_size * 256 / 227`, rounded
            (256 for 227, the published protocol).
        padding: int. Pixels of reflection added on each side. Defaults to `0`.
        channel_order: `"rgb"` or `"bgr"`, the order that the network was trained
            with; images given to the library are always RGB. Defaults to `"rgb"`.
        mean: 3 floats, subtracted from the pixels (0 to 255), in `channel_order`.
            Defaults to `(127.5, 127.5, 127.5)`.
        scale: float, or 3 floats in `channel_order`, multiplies the centred pixels.
            Defaults to `1 / 127.5`.
        reduced_decoding: bool. Whether JPEG files may be decoded at a half, a quarter
            or an eighth of their size, while that is at least `resize_size`: large
            photos are read several times faster, with other pixels, so that codes
            change. A preset keeps it, and its codes do not mix with others. Defaults
            to `False`.

    Example:

    >>> preprocessor = Preprocessor(227, mean=(123.68, 116.78, 103.94), scale=1.0)
    >>> preprocessor.center_crop(np.zeros((480, 640, 3), "uint8")).shape
    (227, 227, 3)
    """

    def __init__(
        self,
        image_size: int,
        resize_size: int | None = None,
        padding: int = 0,
        channel_order: str = "rgb",
        mean=(127.5, 127.5, 127.5),
        scale: float | Sequence[float] = 1 / 127.5,
        reduced_decoding: bool = False,
    ):
        image_size = check_integer("image_size", image_size, minimum=1)
        if resize_size is None:
            resize_size = round(image_size * 256 / 227)
        resize_size = check_integer("resize_size", resize_size, minimum=1)
        padding = check_integer("padding", padding, minimum=0)
        if image_size > resize_size:
            raise ValueError(
                "`image_size` must be at most `resize_size`. "
                f"Received: image_size={image_size}, resize_size={resize_size}."
            )
        if padding >= resize_size:
            raise ValueError(
                "`padding` must be less than `resize_size`. "
                f"Received: padding={padding}, resize_size={resize_size}."
            )
        check_option("channel_order", channel_order, CHANNEL_ORDERS)
        if np.shape(mean) != (3,):
            raise ValueError(
                f"`mean` must hold 3 numbers, one per channel. Received: mean={mean!r}."
            )
        if scale is None or np.shape(scale) not in ((), (3,)):
            raise ValueError(
                "`scale` must be a number or 3 numbers, one per channel. "
                f"Received: scale={scale!r}."
            )
        if not (np.isfinite(mean).all() and np.isfinite(scale).all() and np.all(scale)):
            raise ValueError(
                "`mean` and `scale` must be finite, and `scale` not 0. "
                f"Received: mean={mean!r}, scale={scale!r}."
            )
        if not isinstance(reduced_decoding, bool):
            raise ValueError(
                "`reduced_decoding` must be True or False. "
                f"Received: reduced_decoding={reduced_decoding!r}."
            )
        self.image_size = image_size
        self.resize_size = resize_size
        self.padding = padding
        self.channel_order = channel_order
        self.mean = tuple(float(value) for value in mean)
        self.scale = (
            tuple(float(value) for value in scale) if np.shape(scale) else float(scale)
        )
        self.reduced_decoding = reduced_decoding

    @property
    def canvas_size(self) -> int:
        """Height and width of the canvas in pixels."""
        return self.resize_size + 2 * self.padding

    def canvas(self, image) -> np.ndarray:
        """The resized and padded image, uint8 [canvas_size, canvas_size, 3]."""
        return self._of(image, self._canvas)

    def center_crop(self, image) -> np.ndarray:
        """The centre of the canvas, uint8 [image_size, image_size, 3]."""
        size = self.image_size
        if isinstance(image, np.ndarray) and image.shape == (size, size, 3):
            return read_image(image)
        return self._of(image, self._center_crop)

    def ten_crops(self, image) -> np.ndarray:
        """Corners, centre and their mirrors, uint8 [10, image_size, image_size, 3]."""
        self.check_ten_crops()
        canvas = self.canvas(image)
        end = self.canvas_size - self.image_size
        starts = [(0, 0), (0, end), (end, 0), (end, end), (end // 2, end // 2)]
        crops = [self._crop(canvas, top, left) for top, left in starts]
        return np.stack(crops + [crop[:, ::-1] for crop in crops])

    def check_ten_crops(self) -> None:
        """Raises ValueError where the canvas leaves no room for ten crops."""
        if self.canvas_size == self.image_size:
            raise ValueError(
                "Ten crops need a canvas larger than the network's input: give the "
                "preprocessor a larger `resize_size` or `padding`. "
                f"Received: image_size={self.image_size}, "
                f"resize_size={self.resize_size}, padding={self.padding}."
            )

    def normalize(self, images):
        """RGB pixels [n, h, w, 3], 0 to 255, as the network takes them: float32."""
        from keras import ops

        x = ops.cast(images, "float32")
        if self.channel_order == "bgr":
            x = ops.flip(x, axis=-1)
        return (x - np.float32(self.mean)) * np.float32(self.scale)

    def fit_size(self, images):
        """The centre crops of a batch of pixels [n, h, w, 3], in TensorFlow.

        Those of the network's size stay as they are, and so do those of no known size.
        """
        size = tuple(images.shape[1:3])
        if None in size or size == (self.image_size, self.image_size):
            return images
        import tensorflow as tf

        resized = (self.resize_size, self.resize_size)
        images = tf.image.resize(images, resized, antialias=True)
        start = (self.resize_size - self.image_size) // 2
        stop = start + self.image_size
        return images[:, start:stop, start:stop]

    def get_config(self) -> dict:
        return {
            "image_size": self.image_size,
            "resize_size": self.resize_size,
            "padding": self.padding,
            "channel_order": self.channel_order,
            "mean": list(self.mean),
            "scale": list(self.scale) if np.shape(self.scale) else self.scale,
            "version": PREPROCESSING_VERSION,
            # Only where it is on: the codes of others stay what they are.
            **({"reduced_decoding": True} if self.reduced_decoding else {}),
        }

    @classmethod
    def from_config(cls, config: dict) -> "Preprocessor":
        """A preprocessor of a saved configuration.

        Images become pixels as in this version of the library, whichever saved it.
        """
        config = dict(config)
        version = config.pop("version", 1)
        if not isinstance(version, int) or not 1 <= version <= PREPROCESSING_VERSION:
            raise ValueError(
                f"This keras_deephash has version {PREPROCESSING_VERSION} of the "
                f"preprocessing. Received: version={version!r}. Upgrade keras_deephash."
            )
        return cls(**config)

    def resized(
        self,
        image_size: int,
        resize_size: int | None = None,
        padding: int | None = None,
    ) -> "Preprocessor":
        """The same preprocessing for another `image_size`.

        Args:
            image_size: int, in pixels.
            resize_size: int, in pixels. Defaults to one of the same proportion to
                `image_size` as now.
            padding: int, in pixels. Defaults to one of the same proportion.
        """
        if resize_size is None:
            resize_size = round(image_size * self.resize_size / self.image_size)
        if padding is None:
            padding = round(image_size * self.padding / self.image_size)
        config = {**self.get_config(), "resize_size": resize_size, "padding": padding}
        return self.from_config({**config, "image_size": image_size})

    def _of(self, image, function) -> np.ndarray:
        smallest = self.resize_size if self.reduced_decoding else None
        return from_rgb(image, function, smallest)

    def _canvas(self, image: Image.Image) -> np.ndarray:
        size = (self.resize_size, self.resize_size)
        if image.size != size:
            image = _resize(image, self.resize_size)
        pixels = np.asarray(image)
        if self.padding:
            border = (self.padding, self.padding)
            pixels = np.pad(pixels, (border, border, (0, 0)), mode="reflect")
        return pixels

    def _center_crop(self, image: Image.Image) -> np.ndarray:
        if image.size == (self.image_size, self.image_size):
            return np.asarray(image)
        start = (self.canvas_size - self.image_size) // 2
        return self._crop(self._canvas(image), start, start)

    def _crop(self, canvas: np.ndarray, top: int, left: int) -> np.ndarray:
        size = self.image_size
        return canvas[top : top + size, left : left + size]


def _resize(image: Image.Image, size: int) -> Image.Image:
    """The image, resized to a square.

    The width comes first: Pillow rounds between the sides, and takes from version 13 on
    the height of tall images first. What an image becomes would depend on the version.
    """
    width, height = image.size  # Of what is left of it, in pixels.
    if width * height > _LARGE:
        factors = [max(int(side / size / _PIXELS_LEFT), 1) for side in image.size]
        image = image.reduce(tuple(factors))
        width, height = width / factors[0], height / factors[1]
    how = Image.Resampling.BILINEAR
    image = image.resize((size, image.height), how, box=(0, 0, width, image.height))
    return image.resize((size, size), how, box=(0, 0, size, height))
