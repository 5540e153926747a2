"""`python -m ms5.web`: what it refuses before it begins."""

from ms5.web.__main__ import main


def test_several_processes_without_a_port_to_share_are_refused(capsys):
    assert main(["--processes", "2", "--port", "0"]) == 1
    assert capsys.readouterr().err == (
        "web: several processes share a port: name one, since 0 is another for each\n"
    )
