#!/usr/bin/env python3
"""Writes a template whose functions are zips beside it, which `sam deploy` takes without a build.

    .ci/packaged.py TEMPLATE ARCHITECTURE BUILT FOLDER    with the Python of aws-sam-cli; BUILT has each function's bootstrap
"""

import os
import sys
import zipfile

from samcli.yamlhelper import yaml_dump, yaml_parse

template_path, architecture, built, folder = sys.argv[1:]
with open(template_path, encoding="utf-8") as file:
    template = yaml_parse(file.read())
for function in template["Resources"].values():
    if function["Type"] != "AWS::Serverless::Function":
        continue
    binary = function["Metadata"]["BuildProperties"]["Binary"]
    name = f"{binary}-{architecture}.zip"
    entry = zipfile.ZipInfo("bootstrap")
    # As a zip has it without a time: its first day.
    entry.date_time, entry.compress_type = (1980, 1, 1, 0, 0, 0), zipfile.ZIP_DEFLATED
    entry.create_system, entry.external_attr = 3, 0o100755 << 16
    with open(os.path.join(built, binary, "bootstrap"), "rb") as bootstrap, zipfile.ZipFile(os.path.join(folder, name), "w") as packed:
        packed.writestr(entry, bootstrap.read(), compresslevel=9)
    function["Properties"]["CodeUri"] = name
    for build in ("BuildMethod", "BuildProperties"):
        del function["Metadata"][build]
template["Parameters"]["Architecture"].update(Default=architecture, AllowedValues=[architecture])
with open(os.path.join(folder, f"template-{architecture}.yaml"), "w", encoding="utf-8") as file:
    file.write(yaml_dump(template))
