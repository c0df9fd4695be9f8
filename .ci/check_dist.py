"""Fail when a wheel or sdist lacks the man page, the schema of answers, or a stylesheet."""

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
if not any(name.endswith(".data/data/share/man/man1/xpm-tui.1") for name in wheel):
    sys.exit("missing in the wheel: share/man/man1/xpm-tui.1")
if "xpm_tui/cli/answer_schemas.json" not in wheel:
    sys.exit("missing in the wheel: the schema of answers")
if not any(name.endswith("/man/xpm-tui.1") for name in sdist):
    sys.exit("missing in the sdist: man/xpm-tui.1")
print(f"{len(sheets)} stylesheets and the man page in wheel and sdist")
