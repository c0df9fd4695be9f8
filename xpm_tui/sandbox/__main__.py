"""`python -m xpm_tui.sandbox`: the simulator without the rest of the program."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from xpm_tui.sandbox.server import serve


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and serve; return the exit code of `serve`."""
    parser = argparse.ArgumentParser(
        prog="python -m xpm_tui.sandbox",
        description="A local Xero. The first line on stdout is one JSON object with its addresses.",
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help="the port to listen on; 0 for any free one"
    )
    parser.add_argument("--clients", type=int, default=12, metavar="N", help="clients in the sample practice")
    parser.add_argument("--tenants", type=int, default=2, metavar="N", help="how many practices there are")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="the seed of the sample data")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND[,name=value...]",
        help="a fault to simulate; can be repeated",
    )
    parser.add_argument(
        "--switch",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a switch of the sandbox; can be repeated",
    )
    parser.add_argument(
        "--separate-hosts", action="store_true", help="serve login, identity and API on three ports"
    )
    parser.add_argument("--die-with-parent", action="store_true", help="end when the starting process ends")
    given = parser.parse_args(arguments)
    return serve(
        port=given.port,
        clients=given.clients,
        seed=given.seed,
        faults=given.fault,
        switches=given.switch,
        separate_hosts=given.separate_hosts,
        die_with_parent=given.die_with_parent,
        practices=given.tenants,
    )


if __name__ == "__main__":
    raise SystemExit(main())
