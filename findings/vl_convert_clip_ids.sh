#!/usr/bin/env bash
# vl-convert: one description drawn twice in a process gives two different SVG files; the numbers of clip paths count on.
# Expected: the same Vega-Lite description gives the same bytes, whatever was drawn before.
# Seen: "clip1" in the first drawing, "clip2" in the second; a new process begins at 1 again. Two drawings on one page
#   collide as well: both files of two processes hold an element with the id "clip1".
# Since: vl-convert-python 1.9.0.post1, the newest when this was written.
# Why natrob cares: the same records must give byte-identical sites, so it numbers the clip paths of every figure anew.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check vl-convert-python==1.9.0.post1
cat >"$folder/draw.py" <<'END'
import re

import vl_convert

place = {name: {"field": name, "type": "quantitative"} for name in "xy"}
line = {"data": {"values": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}, "mark": {"type": "line", "clip": True}, "encoding": place}
drawn = [vl_convert.vegalite_to_svg(line) for _ in range(2)]
print(drawn[0] == drawn[1], *(re.search(r"clip\d+", svg)[0] for svg in drawn))
END
first=$("$folder/venv/bin/python" "$folder/draw.py")
second=$("$folder/venv/bin/python" "$folder/draw.py")
echo "equal, ids: $first; in another process: $second"
[ "$first" = "False clip1 clip2" ] && [ "$second" = "$first" ]
