"""Fail when a wheel or sdist lacks a stylesheet: the console would start without its looks."""

import pathlib
import sys
import tarfile
import zipfile

dist = pathlib.Path(sys.argv[1])
wheel = zipfile.ZipFile(next(dist.glob("*.whl"))).namelist()
with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
    sdist = archive.getnames()
sheets = sorted(path.name for path in pathlib.Path("styles").glob("*.tcss"))
missing = [s for s in sheets if f"xpm_tui/styles/{s}" not in wheel]
missing += [s for s in sheets if not any(name.endswith(f"/styles/{s}") for name in sdist)]
if missing or not sheets:
    sys.exit(f"missing stylesheets: {missing or 'all'}")
print(f"{len(sheets)} stylesheets in wheel and sdist")
