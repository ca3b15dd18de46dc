"""Several threads read files: in order, a few ahead, and within a limit of pixels."""

import threading
import time

import pytest

from keras_deephash.images.pixel_budget import PixelBudget
from keras_deephash.images.read_ahead import MOST_READERS, read_ahead, reader_count


def test_results_come_in_order_with_their_numbers():
    def slow(number, image):
        time.sleep(0.002 * (number % 3 == 0))
        return number, image

    images = [f"{number}.jpg" if number % 4 else number for number in range(30)]
    assert list(read_ahead(slow, images, 3)) == list(enumerate(images))
    assert list(read_ahead(slow, [], 3)) == []


def test_files_are_read_at_the_same_time_and_others_one_by_one():
    both = threading.Barrier(2, timeout=20)
    threads = set()

    def read(number, image):
        if isinstance(image, bytes):
            both.wait()  # Fails unless another thread comes.
        else:
            threads.add(threading.get_ident())
        return image

    images = [b"a", b"b", 1, 2, b"c", b"d"]
    assert list(read_ahead(read, images, 2)) == images
    assert threads == {threading.get_ident()}


def test_only_a_few_images_are_taken_ahead():
    taken = []
    stream = (taken.append(number) or f"{number}.jpg" for number in range(100))
    found = read_ahead(lambda number, image: image, stream, 4)
    for number in range(10):
        assert next(found) == f"{number}.jpg"
        assert len(taken) <= number + 1 + 4
    found.close()
    assert len(taken) <= 14


def test_an_error_comes_at_its_place():
    def read(number, image):
        if number == 3:
            raise ValueError("damaged")
        return number

    found = read_ahead(read, ["a.jpg"] * 6, 2)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="damaged"):
        next(found)


def test_the_number_of_readers_is_bounded():
    assert 1 <= reader_count() <= MOST_READERS


def test_images_share_the_budget_and_a_larger_one_is_alone():
    budget, held, most = PixelBudget(10), [], []

    def decode(pixels):
        with budget.hold(pixels):
            held.append(pixels)
            most.append(list(held))
            time.sleep(0.002)
            held.remove(pixels)

    threads = [
        threading.Thread(target=decode, args=(pixels,))
        for pixels in [4, 6, 25, 3, 3, 3, 10, 1] * 3
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    assert len(most) == len(threads)
    for together in most:
        assert sum(together) <= 10 or together == [25]
    assert max(map(len, most)) > 1
