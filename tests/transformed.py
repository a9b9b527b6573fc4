#!/usr/bin/env python3
"""Checks what SAM makes of a template, where that is not what the template seems to say.

    tests/transformed.py TEMPLATE    with the Python of aws-sam-cli
"""

import logging
import os
import sys
import time

import yaml
from samcli.lib.translate.sam_template_validator import SamTemplateValidator
from samcli.yamlhelper import yaml_parse

os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
# It tells of switches of its own.
logging.disable(logging.WARNING)


class NoManagedPolicies:
    def load(self):
        return {}


def resources(path):
    """The resources that CloudFormation gets."""
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file.read())
    return yaml.safe_load(SamTemplateValidator(template, NoManagedPolicies()).get_translated_template_if_valid())["Resources"]


def of_type(found, kind):
    return {name: resource["Properties"] for name, resource in found.items() if resource["Type"] == kind}


first = resources(sys.argv[1])
# SAM names deployments by the second.
time.sleep(1.1)
second = resources(sys.argv[1])

stages = of_type(first, "AWS::ApiGateway::Stage")
assert [stage["StageName"] for stage in stages.values()] == ["prod"], stages
for deployment in of_type(first, "AWS::ApiGateway::Deployment").values():
    assert "StageName" not in deployment, "a second stage, without throttle, access log and WAF"
changed = of_type(first, "AWS::ApiGateway::Deployment").keys() ^ of_type(second, "AWS::ApiGateway::Deployment").keys()
assert changed, "a changed parameter would change the API, and the stage would not serve it"
for name, schedule in of_type(first, "AWS::Scheduler::Schedule").items():
    assert "AWS::StackName" in str(schedule["Name"]), f"{name}: a second stack in the region could not have it"
for name, function in of_type(first, "AWS::Lambda::Function").items():
    assert "InlineCode" in str(function) or "ZipFile" in str(function) or "LogGroup" in function["LoggingConfig"], name
print(f"{sys.argv[1]}: as it says")
