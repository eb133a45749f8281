"""Room for messages: it is used again, and there is no more than was in use at once."""

from clantune_clan.communication.buffers import Buffers


def place_of(buffer):
    return buffer.untyped_storage().data_ptr()


def test_memory_is_used_again_by_what_fits_into_it():
    buffers = Buffers()
    large, small = buffers.take(100), buffers.take(10)
    buffers.give_back(large)
    buffers.give_back(small)
    assert place_of(buffers.take(8)) == place_of(small)
    again = buffers.take(90)
    assert place_of(again) == place_of(large)
    assert len(again) == 90


def test_what_is_too_small_makes_room():
    buffers = Buffers()
    for size in range(1, 50):
        buffer = buffers.take(size)
        assert len(buffer) == size
        buffers.give_back(buffer)
    assert buffers.bytes_kept == 49


def test_buffers_in_use_are_apart():
    buffers = Buffers()
    one, other = buffers.take(5), buffers.take(5)
    one.fill_(1)
    other.fill_(2)
    assert one.tolist() == [1] * 5
