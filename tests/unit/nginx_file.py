"""nginx configuration, read: its grammar, where a directive may stand, which location answers a path."""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<mark>[{};])|'(?P<one>[^']*)'|"(?P<two>[^"]*)"|(?P<word>[^\s{};'"]+)"""
)
# Of the manual of nginx: the contexts and the number of arguments, of each directive that is used.
HTTP, SERVER, LOCATION = "http", "server", "location"
ANY = {HTTP, SERVER, LOCATION}
DIRECTIVES = {
    "upstream": ({HTTP}, 1, 1),
    "map": ({HTTP}, 2, 2),
    "server": ({HTTP}, 0, 0),
    "location": ({SERVER, LOCATION}, 1, 2),
    "keepalive": ({"upstream"}, 1, 1),
    "keepalive_timeout": ({"upstream", *ANY}, 1, 2),
    "limit_conn_zone": ({HTTP}, 2, 2),
    "limit_req_zone": ({HTTP}, 3, 4),
    "limit_conn": (ANY, 2, 2),
    "limit_req": (ANY, 1, 3),
    "limit_conn_status": (ANY, 1, 1),
    "limit_req_status": (ANY, 1, 1),
    "listen": ({SERVER}, 1, 9),
    "server_name": ({SERVER}, 1, 9),
    "http2": ({HTTP, SERVER}, 1, 1),
    "return": ({SERVER, LOCATION}, 1, 2),
    "ssl_certificate": ({HTTP, SERVER}, 1, 1),
    "ssl_certificate_key": ({HTTP, SERVER}, 1, 1),
    "ssl_protocols": ({HTTP, SERVER}, 1, 6),
    "ssl_session_cache": ({HTTP, SERVER}, 1, 2),
    "ssl_session_tickets": ({HTTP, SERVER}, 1, 1),
    "client_header_timeout": ({HTTP, SERVER}, 1, 1),
    "large_client_header_buffers": ({HTTP, SERVER}, 2, 2),
    "client_body_timeout": (ANY, 1, 1),
    "client_max_body_size": (ANY, 1, 1),
    "send_timeout": (ANY, 1, 1),
    "proxy_http_version": (ANY, 1, 1),
    "proxy_set_header": (ANY, 2, 2),
    "proxy_connect_timeout": (ANY, 1, 1),
    "proxy_read_timeout": (ANY, 1, 1),
    "proxy_send_timeout": (ANY, 1, 1),
    "proxy_buffering": (ANY, 1, 1),
    "proxy_pass": ({LOCATION}, 1, 1),
}


class Refused(ValueError):
    """nginx would not start with this."""


@dataclass
class Block:
    """A directive; `parts` are the ones between its braces, None for one that ends in a semicolon."""

    name: str
    arguments: list[str]
    parts: "list[Block] | None" = None
    within: "Block | None" = field(default=None, repr=False)

    def all(self, name):
        return [part for part in self.parts or () if part.name == name]

    def value(self, name):
        """The arguments that hold here: of this block, else of the nearest around it that has some.

        As nginx inherits: a level that names a directive at all replaces what is above it.
        """
        block = self
        while block is not None:
            if found := block.all(name):
                return [part.arguments for part in found]
            block = block.within
        return []

    def one(self, name):
        (arguments,) = self.value(name)
        (argument,) = arguments
        return argument


def read(text):
    """The file as a block `http`. Raises Refused."""
    root = Block("http", [], [])
    open_blocks, words, at = [root], [], 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise Refused(f"unbalanced quote at {at}")
        at = found.end()
        kind = found.lastgroup
        if kind is None:
            continue
        if kind != "mark":
            words.append(found[kind])
            continue
        mark, here = found["mark"], open_blocks[-1]
        if mark == "}":
            if words or len(open_blocks) == 1:
                raise Refused(f"unexpected }} after {words}")
            open_blocks.pop()
            continue
        if not words:
            raise Refused(f"unexpected {mark}")
        block = Block(words[0], words[1:], [] if mark == "{" else None, here)
        words = []
        check(block, here)
        here.parts.append(block)
        if mark == "{":
            open_blocks.append(block)
    if words or len(open_blocks) > 1:
        raise Refused(f"the file ends within {open_blocks[-1].name} {words}")
    return root


def check(block, here):
    """Raises Refused for a directive that is unknown, elsewhere, or has too few or many arguments."""
    if here.name == "map":  # its lines are values, not directives
        return
    if here.name == "upstream" and block.name == "server":
        contexts, fewest, most = {"upstream"}, 1, 9
    elif block.name not in DIRECTIVES:
        raise Refused(f"unknown directive {block.name}")
    else:
        contexts, fewest, most = DIRECTIVES[block.name]
    if here.name not in contexts:
        raise Refused(f"{block.name} is not allowed in {here.name}")
    if not fewest <= len(block.arguments) <= most:
        raise Refused(f"{block.name} has {len(block.arguments)} arguments")
    blocks = {"upstream", "map", "location"} | ({"server"} if here.name == "http" else set())
    if (block.name in blocks) != (block.parts is not None):
        raise Refused(f"{block.name} and braces")


def location_for(server, path):
    """The location that answers the path: an exact one, else that with the longest prefix."""
    best, longest = None, -1
    for location in server.all("location"):
        *modifier, prefix = location.arguments
        match modifier:
            case ["="] if path == prefix:
                return location
            case [] | ["^~"] if path.startswith(prefix) and len(prefix) > longest:
                best, longest = location, len(prefix)
            case ["~" | "~*"]:
                raise Refused("no regular expressions here")
    return best


def seconds(text):
    return float(text.removesuffix("s"))
